import Events

/// Reads the two time forms that scripts use: `2026-11-22` and `2026-11-22T08:30:00[.250]Z`.
enum EpochText {
    /// Always with milliseconds: `2026-11-22T08:30:00.250Z`.
    static func text(_ milliseconds: Int64) -> String {
        let fraction = (milliseconds % 1000 + 1000) % 1000
        let text = Timestamp.rfc3339(milliseconds - fraction)
        return "\(text.dropLast()).\(String(1000 + fraction).dropFirst())Z"
    }

    /// - Returns: epoch milliseconds, UTC; nil for any other form or an impossible date.
    static func milliseconds(_ text: String) -> Int64? {
        let parts = text.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
        guard let days = days(parts[0]) else { return nil }
        guard parts.count == 2 else { return days * 86_400_000 }
        return timeOfDay(parts[1]).map { days * 86_400_000 + $0 }
    }

    private static func days(_ text: Substring) -> Int64? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let year = number(parts[0], digits: 4), let month = number(parts[1], digits: 2),
            let day = number(parts[2], digits: 2), (1...12).contains(month), (1...length(of: month, year)).contains(day)
        else { return nil }
        return civilDays(year: year, month: month, day: day)
    }

    private static func timeOfDay(_ text: Substring) -> Int64? {
        guard text.last == "Z" else { return nil }
        let pieces = text.dropLast().split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = pieces[0].split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let hour = number(parts[0], digits: 2), let minute = number(parts[1], digits: 2),
            let second = number(parts[2], digits: 2), hour < 24, minute < 60, second < 60
        else { return nil }
        let fraction = pieces.count == 2 ? number(pieces[1], digits: 3) : 0
        return fraction.map { ((hour * 60 + minute) * 60 + second) * 1000 + $0 }
    }

    private static func number(_ text: Substring, digits: Int) -> Int64? {
        guard text.utf8.count == digits, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text)
    }

    private static func length(of month: Int64, _ year: Int64) -> Int64 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Howard Hinnant's `days_from_civil`, for years from 0 on.
    private static func civilDays(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
