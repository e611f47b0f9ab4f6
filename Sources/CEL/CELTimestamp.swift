/// A point in time from year 1 to year 9999, in UTC.
package struct CELTimestamp: Sendable, Hashable {
    /// Since 1970-01-01T00:00:00Z.
    package let seconds: Int64
    /// 0 ..< 1,000,000,000, always forwards from `seconds`.
    package let nanoseconds: Int32

    static let secondsRange: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// Nil outside of years 1 to 9999.
    package init?(seconds: Int64, nanoseconds: Int64 = 0) {
        let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let borrow: Int64 = remainder < 0 ? 1 : 0
        let (sum, overflow) = seconds.addingReportingOverflow(quotient - borrow)
        guard !overflow, Self.secondsRange.contains(sum) else { return nil }
        self.seconds = sum
        self.nanoseconds = Int32(remainder + borrow * 1_000_000_000)
    }

    package static func < (left: CELTimestamp, right: CELTimestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    func adding(_ duration: CELDuration) -> CELTimestamp? {
        let (seconds, rest) = duration.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return CELTimestamp(seconds: self.seconds + seconds, nanoseconds: Int64(nanoseconds) + rest)
    }

    func subtracting(_ duration: CELDuration) -> CELTimestamp? {
        let (seconds, rest) = duration.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return CELTimestamp(seconds: self.seconds - seconds, nanoseconds: Int64(nanoseconds) - rest)
    }

    /// Nil when the distance does not fit in a duration.
    func since(_ other: CELTimestamp) -> CELDuration? {
        let (whole, overflow) = (seconds - other.seconds).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return nil }
        let (sum, tooLarge) = whole.addingReportingOverflow(Int64(nanoseconds) - Int64(other.nanoseconds))
        return tooLarge ? nil : CELDuration(nanoseconds: sum)
    }
}

/// RFC 3339 text.
extension CELTimestamp {
    package init?(_ text: String) {
        var scanner = DigitScanner(text)
        guard let year = scanner.number(digits: 4), scanner.take("-"),
            let month = scanner.number(digits: 2), scanner.take("-"),
            let day = scanner.number(digits: 2), scanner.take("T") || scanner.take("t"),
            let hour = scanner.number(digits: 2), scanner.take(":"),
            let minute = scanner.number(digits: 2), scanner.take(":"),
            let second = scanner.number(digits: 2),
            (1...12).contains(month), (1...CivilTime.days(inMonth: month, of: year)).contains(day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var nanoseconds: Int64 = 0
        if scanner.take(".") {
            guard let fraction = scanner.nanoseconds() else { return nil }
            nanoseconds = fraction
        }
        guard let offset = scanner.offset(), scanner.isAtEnd else { return nil }
        let days = CivilTime.days(year: year, month: month, day: day)
        self.init(seconds: days * 86_400 + hour * 3_600 + minute * 60 + second - offset, nanoseconds: nanoseconds)
    }

    private static let longestText = 30  // 2026-11-29T12:34:56.123456789Z

    /// RFC 3339 in UTC with only the fraction digits it needs. Every year has four digits.
    package var text: String {
        let time = CivilTime(seconds: seconds)
        return String(unsafeUninitializedCapacity: Self.longestText) { text in
            var end = 0
            func put(_ number: Int64, _ width: Int, before separator: StaticString) {
                var rest = number
                for place in stride(from: end + width - 1, through: end, by: -1) {
                    text[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                    rest /= 10
                }
                text[end + width] = separator.utf8Start.pointee
                end += width + 1
            }
            put(time.year, 4, before: "-")
            put(time.month, 2, before: "-")
            put(time.day, 2, before: "T")
            put(time.hour, 2, before: ":")
            put(time.minute, 2, before: ":")
            put(time.second, 2, before: ".")
            if nanoseconds > 0 { put(Int64(nanoseconds), 9, before: "Z") }
            // What follows the last digit that is needed.
            end -= 1
            while nanoseconds > 0, text[end - 1] == UInt8(ascii: "0") { end -= 1 }
            text[end] = UInt8(ascii: "Z")
            return end + 1
        }
    }
}

func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

/// A date and time of day without a zone, in the proleptic Gregorian calendar.
struct CivilTime {
    let year, month, day: Int64
    let hour, minute, second: Int64
    /// 0 is Sunday.
    let weekday: Int64
    /// 0 is 1 January.
    let dayOfYear: Int64

    /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    init(seconds: Int64) {
        let days = Self.floorDivide(seconds, 86_400)
        let rest = seconds - days * 86_400
        let shifted = days + 719_468
        let era = Self.floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let marchDay = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * marchDay + 2) / 153
        day = marchDay - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        hour = rest / 3_600
        minute = rest / 60 % 60
        second = rest % 60
        weekday = ((days + 4) % 7 + 7) % 7
        dayOfYear = days - Self.days(year: year, month: 1, day: 1)
    }

    /// Days since 1970-01-01. Source: the same, days_from_civil.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let era = floorDivide(marchYear, 400)
        let yearOfEra = marchYear - era * 400
        let marchDay = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + marchDay - 719_468
    }

    static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
    }
}

/// Reads fixed-width numbers from ASCII text.
struct DigitScanner {
    private var bytes: ArraySlice<UInt8>

    init(_ text: String) { bytes = Array(text.utf8)[...] }

    var isAtEnd: Bool { bytes.isEmpty }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard bytes.first == UInt8(ascii: character) else { return false }
        bytes.removeFirst()
        return true
    }

    mutating func number(digits: Int) -> Int64? {
        guard bytes.count >= digits else { return nil }
        var result: Int64 = 0
        for byte in bytes.prefix(digits) {
            guard (0x30...0x39).contains(byte) else { return nil }
            result = result * 10 + Int64(byte - 0x30)
        }
        bytes.removeFirst(digits)
        return result
    }

    /// One to nine digits of a fraction.
    mutating func nanoseconds() -> Int64? {
        var count = 0
        var result: Int64 = 0
        while count < 9, let digit = number(digits: 1) {
            result = result * 10 + digit
            count += 1
        }
        guard count > 0 else { return nil }
        for _ in count..<9 { result *= 10 }
        return result
    }

    /// `Z` or `±hh:mm`, in seconds east of Greenwich.
    mutating func offset() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let isWest = bytes.first == UInt8(ascii: "-")
        guard take("+") || take("-") else { return nil }
        guard let hours = number(digits: 2), take(":"), let minutes = number(digits: 2), hours < 24, minutes < 60
        else { return nil }
        return (hours * 3_600 + minutes * 60) * (isWest ? -1 : 1)
    }
}
