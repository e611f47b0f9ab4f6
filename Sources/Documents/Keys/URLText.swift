package enum URLText {
    /// What follows `https://` or `http://`; nil for other schemes.
    package static func afterScheme(_ text: String) -> Substring? {
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) { return text.dropFirst(scheme.count) }
        return nil
    }

    package static func isPlain(_ text: String) -> Bool { text.hasPrefix("http://") }
}

package enum RateText {
    /// `10/s`, `300/m`, `5000/h` as requests per second.
    package static func perSecond(_ text: String) -> Double? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count <= 9, let count = UInt32(parts[0]), count > 0 else { return nil }
        switch parts[1] {
        case "s": return Double(count)
        case "m": return Double(count) / 60
        case "h": return Double(count) / 3600
        default: return nil
        }
    }
}
