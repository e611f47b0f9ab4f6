/// Text forms of epoch milliseconds, always UTC (proleptic Gregorian calendar; no time zone data needed).
public enum Timestamp {
    /// `2026-11-22T03:00:30Z`, with only the fraction digits that are needed.
    public static func rfc3339(_ milliseconds: Int64) -> String {
        text { writer in
            let (days, rest) = floorDivide(milliseconds, 86_400_000)
            writer.date(days: days)
            writer.byte("T")
            writer.clock(rest)
            var fraction = rest % 1000
            if fraction != 0 {
                writer.byte(".")
                var digits = 3
                while fraction % 10 == 0 {
                    fraction /= 10
                    digits -= 1
                }
                writer.number(fraction, digits: digits)
            }
            writer.byte("Z")
        }
    }

    /// `2026-11-22`
    public static func dateOnly(_ milliseconds: Int64) -> String {
        text { $0.date(days: floorDivide(milliseconds, 86_400_000).quotient) }
    }

    /// `03:00:30.000`, from milliseconds since midnight.
    public static func timeOnly(_ milliseconds: Int64) -> String {
        text { writer in
            let rest = floorDivide(milliseconds, 86_400_000).remainder
            writer.clock(rest)
            writer.byte(".")
            writer.number(rest % 1000, digits: 3)
        }
    }

    /// 40 bytes hold the longest: a year of 12 characters, 6 for the date, 15 for the clock.
    private static func text(_ body: (inout DigitWriter) -> Void) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 40) { memory in
            var writer = DigitWriter(memory: memory)
            body(&writer)
            return String(decoding: memory[..<writer.count], as: UTF8.self)
        }
    }

    fileprivate static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

private struct DigitWriter {
    let memory: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0

    init(memory: UnsafeMutableBufferPointer<UInt8>) { self.memory = memory }

    mutating func byte(_ scalar: Unicode.Scalar) {
        memory[count] = UInt8(ascii: scalar)
        count += 1
    }

    /// With leading zeros.
    mutating func number(_ number: Int64, digits: Int) {
        var rest = number
        for place in stride(from: count + digits - 1, through: count, by: -1) {
            memory[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += digits
    }

    /// `03:00:30`
    mutating func clock(_ milliseconds: Int64) {
        let seconds = milliseconds / 1000
        number(seconds / 3600, digits: 2)
        byte(":")
        number(seconds / 60 % 60, digits: 2)
        byte(":")
        number(seconds % 60, digits: 2)
    }

    /// Howard Hinnant's `civil_from_days`. Years beyond four digits keep their sign and all their digits.
    mutating func date(days: Int64) {
        let (era, dayOfEra) = Timestamp.floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        year(yearOfEra + era * 400 + (month <= 2 ? 1 : 0))
        byte("-")
        number(month, digits: 2)
        byte("-")
        number(dayOfYear - (153 * monthIndex + 2) / 5 + 1, digits: 2)
    }

    private mutating func year(_ year: Int64) {
        if year < 0 { byte("-") }
        let size = Int64(year.magnitude)
        var digits = 4
        var rest = size / 10_000
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        number(size, digits: digits)
    }
}
