import Documents

/// A CEL duration literal: `5s`, `1h30m`, `1.5s` or `250ms`.
enum DurationLiteral {
    /// - Returns: milliseconds; nil for anything else, fractions of one included, and for more than ten years.
    static func milliseconds(_ text: String) -> Int64? {
        var rest = Array(text.unicodeScalars)[...]
        let sign: Double = rest.first == "-" ? -1 : 1
        if rest.first == "-" || rest.first == "+" { rest = rest.dropFirst() }
        guard !rest.isEmpty, rest.count < 40 else { return nil }
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isDigit || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix(while: \.isLetter)
            rest = rest.dropFirst(unit.count)
            let factors = ["h": 3_600_000.0, "m": 60_000, "s": 1000, "ms": 1]
            guard let number = Double(String(scalars: digits)), let factor = factors[String(scalars: unit)]
            else { return nil }
            total += number * factor
        }
        guard total <= 3650 * 86_400_000, total == total.rounded() else { return nil }
        return Int64(sign * total)
    }
}
