import Events

/// Times as operators write them.
package enum ReplayTime {
    /// RFC 3339 with `Z` or an offset; seconds and their fraction may be left out, and so may the clock.
    /// `2026-11-22T03:00Z`, `2026-11-22`.
    ///
    /// - Returns: epoch milliseconds; nil for anything else, and for dates that do not exist.
    package static func parse(_ text: String) -> Int64? {
        Timestamp.milliseconds(rfc3339: text.utf8.count == 10 ? text + "T00:00:00Z" : text)
    }
}
