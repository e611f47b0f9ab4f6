/// Durations as files write them: `10s`, `5m`, `24h`, `7d`, or a sum with the larger unit first, `1h30m`.
enum DurationText {
    /// - Returns: milliseconds; nil for anything else, zero included, and for more than ten years.
    static func milliseconds(_ text: String) -> Int64? {
        let units: [Unicode.Scalar: Int64] = ["d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000]
        var total: Int64 = 0
        var number: Int64?
        var previous = Int64.max
        for scalar in text.unicodeScalars {
            if scalar.isDigit {
                number = (number ?? 0) * 10 + Int64(scalar.value - 48)
                guard number! < 1_000_000_000 else { return nil }
            } else {
                guard let count = number, let unit = units[scalar], unit < previous else { return nil }
                total += count * unit
                previous = unit
                number = nil
            }
        }
        return number == nil && total > 0 && total <= 3650 * 86_400_000 ? total : nil
    }

    /// What `text` was probably meant to be: `20 sec` → `20s`, `1500ms` → nil.
    static func guess(_ text: String) -> String? {
        let compact = text.lowercased().unicodeScalars.filter { !$0.isBlank }
        let digits = compact.prefix(while: \.isDigit)
        let unit = String(scalars: compact.dropFirst(digits.count))
        guard !digits.isEmpty, digits.count < 7 else { return nil }
        let letter =
            switch unit {
            case "", "s", "sec", "secs", "second", "seconds": "s"
            case "m", "min", "mins", "minute", "minutes": "m"
            case "h", "hr", "hrs", "hour", "hours": "h"
            case "d", "day", "days": "d"
            default: ""
            }
        let guess = String(scalars: digits) + letter
        return milliseconds(guess) == nil ? nil : guess
    }
}
