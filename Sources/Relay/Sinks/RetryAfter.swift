import Events
import IntegratorIO

/// Reads `Retry-After`: whole seconds, or one of HTTP's three date forms.
///
/// Source: RFC 9110, sections 10.2.3 and 5.6.7.
package enum RetryAfter {
    /// Nobody is made to wait longer.
    package static let maximum: Duration = .seconds(86_400)

    /// - Parameter now: epoch milliseconds.
    /// - Returns: from zero to `maximum`; nil when there is no header or it cannot be read.
    package static func parse(_ header: String?, now: Int64) -> Duration? {
        guard let text = header?.trimmed, !text.isEmpty else { return nil }
        if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            // More digits than fit are a long time.
            return min(.seconds(Int64(text).map { min($0, 86_400) } ?? 86_400), maximum)
        }
        guard let date = HTTPDate.seconds(text, now: now / 1000) else { return nil }
        let wait = Duration.milliseconds(min(max(date * 1000 - now, 0), 86_400_000))
        return min(wait, maximum)
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// - Parameter now: epoch seconds; two-digit years mean the one within 50 years of it.
    /// - Returns: epoch seconds.
    static func seconds(_ text: String, now: Int64) -> Int64? {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "," || $0 == "-" }).map(String.init)
        switch words.count {
        case 6 where words[5] == "GMT":
            return seconds(day: words[1], month: words[2], year: fullYear(words[3], now), clock: words[4])
        case 5: return seconds(day: words[2], month: words[1], year: Int64(words[4]), clock: words[3])
        default: return nil
        }
    }

    private static func seconds(day: String, month: String, year: Int64?, clock: String) -> Int64? {
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 3, let hour = parts[0], let minute = parts[1], let second = parts[2],
            (0..<24).contains(hour), (0..<60).contains(minute), (0...60).contains(second),
            let day = Int64(day), (1...31).contains(day), let year, (1970...9999).contains(year),
            let month = months.firstIndex(of: month)
        else { return nil }
        let days = ISOTime.days(year: year, month: Int64(month) + 1, day: day)
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func fullYear(_ text: String, _ now: Int64) -> Int64? {
        guard let year = Int64(text) else { return nil }
        guard text.utf8.count == 2 else { return year }
        let thisYear = 1970 + now / 31_556_952
        let candidate = thisYear / 100 * 100 + year
        if candidate > thisYear + 50 { return candidate - 100 }
        return candidate <= thisYear - 50 ? candidate + 100 : candidate
    }
}

extension String {
    /// Without spaces and tabs at both ends.
    fileprivate var trimmed: String {
        var text = Substring(self)
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
