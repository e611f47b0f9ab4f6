/// A rule such as `CET-1CEST,M3.5.0,M10.5.0/3` that says when summer time begins and ends each year.
/// Source: POSIX, environment variable TZ, with RFC 8536's hours beyond a day.
struct ZoneRule: Sendable {
    /// Seconds east of Greenwich.
    private let standard: Int64
    private let daylight: (offset: Int64, start: Change, end: Change)?

    init?(_ text: String) {
        var scanner = RuleScanner(text)
        guard scanner.name(), let standard = scanner.offset() else { return nil }
        self.standard = -standard
        guard !scanner.isAtEnd else {
            daylight = nil
            return
        }
        guard scanner.name() else { return nil }
        let offset = scanner.offset().map { -$0 } ?? -standard + 3_600
        guard scanner.take(","), let start = Change(&scanner), scanner.take(","), let end = Change(&scanner),
            scanner.isAtEnd
        else { return nil }
        daylight = (offset, start, end)
    }

    func offset(at time: Int64) -> Int64 {
        guard let daylight else { return standard }
        let year = CivilTime(seconds: time + standard).year
        let start = daylight.start.seconds(in: year) - standard
        let end = daylight.end.seconds(in: year) - daylight.offset
        let isSummer = start < end ? start <= time && time < end : time < end || start <= time
        return isSummer ? daylight.offset : standard
    }

    /// A day of the year and a time of that day, on the clock that holds before the change.
    private struct Change: Sendable {
        private enum Day: Sendable {
            /// The nth (5: last) weekday of a month.
            case weekday(month: Int64, week: Int64, day: Int64)
            /// 1...365, 29 February never counted.
            case julian(Int64)
            /// 0...365, 29 February counted.
            case ordinal(Int64)
        }

        private let day: Day
        private let time: Int64

        init?(_ scanner: inout RuleScanner) {
            if scanner.take("M") {
                guard let month = scanner.number(), scanner.take("."), let week = scanner.number(), scanner.take("."),
                    let day = scanner.number(), (1...12).contains(month), (1...5).contains(week), (0...6).contains(day)
                else { return nil }
                self.day = .weekday(month: month, week: week, day: day)
            } else if scanner.take("J") {
                guard let day = scanner.number(), (1...365).contains(day) else { return nil }
                self.day = .julian(day)
            } else {
                guard let day = scanner.number(), (0...365).contains(day) else { return nil }
                self.day = .ordinal(day)
            }
            guard scanner.take("/") else {
                time = 2 * 3_600
                return
            }
            guard let time = scanner.offset() else { return nil }
            self.time = time
        }

        /// Since 1970 on the local clock.
        func seconds(in year: Int64) -> Int64 { days(in: year) * 86_400 + time }

        private func days(in year: Int64) -> Int64 {
            let newYear = CivilTime.days(year: year, month: 1, day: 1)
            switch day {
            case .ordinal(let day): return newYear + day
            case .julian(let day): return newYear + day - 1 + (CivilTime.isLeap(year) && day >= 60 ? 1 : 0)
            case .weekday(let month, let week, let weekday):
                let first = CivilTime.days(year: year, month: month, day: 1)
                let firstWeekday = ((first + 4) % 7 + 7) % 7
                var day = (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
                if day >= CivilTime.days(inMonth: month, of: year) { day -= 7 }
                return first + day
            }
        }
    }
}

private struct RuleScanner {
    private var bytes: ArraySlice<UInt8>

    init(_ text: String) { bytes = Array(text.utf8)[...] }

    var isAtEnd: Bool { bytes.isEmpty }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard bytes.first == UInt8(ascii: character) else { return false }
        bytes.removeFirst()
        return true
    }

    /// Letters, or anything between `<` and `>`.
    mutating func name() -> Bool {
        if take("<") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: ">")) else { return false }
            bytes = bytes[(end + 1)...]
            return true
        }
        let letters = bytes.prefix { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }
        bytes.removeFirst(letters.count)
        return letters.count >= 3
    }

    mutating func number() -> Int64? {
        let digits = bytes.prefix { (0x30...0x39).contains($0) }
        guard (1...4).contains(digits.count) else { return nil }
        bytes.removeFirst(digits.count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    /// `[+-]h[:m[:s]]` in seconds.
    mutating func offset() -> Int64? {
        let isNegative = take("-")
        if !isNegative { _ = take("+") }
        guard var seconds = number() else { return nil }
        seconds *= 3_600
        for unit: Int64 in [60, 1] where take(":") {
            guard let part = number() else { return nil }
            seconds += part * unit
        }
        return isNegative ? -seconds : seconds
    }
}
