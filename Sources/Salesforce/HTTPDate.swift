import Events

/// Dates in HTTP headers (RFC 9110, section 5.6.7).
package enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    /// 1970 began on a Thursday.
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]

    /// `Sun, 22 Nov 2026 09:00:00 GMT`; nil for the obsolete forms.
    package static func milliseconds(_ text: String) -> Int64? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: String(parts[2])) else {
            return nil
        }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp.milliseconds(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }

    /// - Parameter milliseconds: since 1970, until the year 9999; what is less than a second is cut off.
    package static func text(_ milliseconds: Int64) -> String {
        precondition(milliseconds >= 0, "HTTP has no dates before 1970 for anything that may have been modified")
        let text = Timestamp.rfc3339(milliseconds / 1000 * 1000)
        let date = text.prefix { $0 != "T" }.split(separator: "-")
        let clock = text.dropFirst(11).prefix(8)
        let weekday = weekdays[Int(milliseconds / 86_400_000 % 7)]
        return "\(weekday), \(date[2]) \(months[(Int(date[1]) ?? 1) - 1]) \(date[0]) \(clock) GMT"
    }
}
