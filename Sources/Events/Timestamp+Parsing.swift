extension Timestamp {
    /// Reads RFC 3339 text, and Salesforce's form of it with `+0000`: `2026-01-31T12:00:00.000Z`. Digits finer than
    /// milliseconds are cut off; `T` may be a space; seconds may be left out.
    ///
    /// - Returns: epoch milliseconds; nil for anything else, and for dates that do not exist.
    public static func milliseconds(rfc3339 text: String) -> Int64? {
        var reader = DigitReader(bytes: Array(text.utf8)[...])
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
            let day = reader.number(2), reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.number(2), reader.take(":"), let minute = reader.number(2),
            (1...12).contains(month), (1...days(inMonth: month, of: year)).contains(day), hour < 24, minute < 60
        else { return nil }
        var second: Int64 = 0
        if reader.take(":") {
            guard let number = reader.number(2), number < 60 else { return nil }
            second = number
        }
        let fraction = reader.take(".") ? reader.milliseconds() : 0
        guard let fraction, let offset = reader.offset(), reader.bytes.isEmpty else { return nil }
        let time = hour * 3600 + minute * 60 + second - offset
        return (days(year: year, month: month, day: day) * 86_400 + time) * 1000 + fraction
    }

    private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

private struct DigitReader {
    var bytes: ArraySlice<UInt8>

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard bytes.first == UInt8(ascii: character) else { return false }
        bytes.removeFirst()
        return true
    }

    mutating func number(_ digits: Int) -> Int64? {
        guard bytes.count >= digits, bytes.prefix(digits).allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        defer { bytes.removeFirst(digits) }
        return bytes.prefix(digits).reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    mutating func milliseconds() -> Int64? {
        let digits = bytes.prefix { (0x30...0x39).contains($0) }
        guard (1...9).contains(digits.count) else { return nil }
        bytes.removeFirst(digits.count)
        let value = digits.prefix(3).reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
        return value * [1, 100, 10, 1][min(digits.count, 3)]
    }

    /// `Z`, `±hh:mm` or `±hhmm`, in seconds east of Greenwich.
    mutating func offset() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let isWest = bytes.first == UInt8(ascii: "-")
        guard take("+") || take("-"), let hours = number(2) else { return nil }
        _ = take(":")
        guard let minutes = number(2), hours < 24, minutes < 60 else { return nil }
        return (hours * 3600 + minutes * 60) * (isWest ? -1 : 1)
    }
}
