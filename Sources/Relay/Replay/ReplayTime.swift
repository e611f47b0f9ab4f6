import Events
import FoundationEssentials

/// Times as operators write them.
package enum ReplayTime {
    /// RFC 3339 with `Z` or an offset; seconds and their fraction may be left out, and so may the clock.
    /// `2026-11-22T03:00Z`, `2026-11-22`.
    ///
    /// - Returns: epoch milliseconds; nil for anything else.
    package static func parse(_ text: String) -> Int64? {
        var text = text.uppercased()
        if text.utf8.count == 10 { text += "T00:00:00Z" }
        // Without seconds: `2026-11-22T03:00Z`.
        if let clock = text.firstIndex(of: "T") {
            let rest = text[text.index(after: clock)...]
            let end = rest.firstIndex { "Z+-".contains($0) } ?? rest.endIndex
            if rest[..<end].count == 5 { text.insert(contentsOf: ":00", at: end) }
        }
        let fraction = text.contains(".")
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: fraction)
        guard let date = try? style.parse(text) else { return nil }
        return Int64((date.timeIntervalSince1970 * 1000).rounded())
    }
}
