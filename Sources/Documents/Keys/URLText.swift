package enum URLText {
    /// What follows `https://` or `http://`; nil for other schemes.
    package static func afterScheme(_ text: String) -> Substring? {
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) { return text.dropFirst(scheme.count) }
        return nil
    }

    /// What comes before the path, of any scheme or none.
    private static func authority(_ text: String) -> Substring {
        let rest = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
        return rest.prefix { $0 != "/" && $0 != "?" }
    }

    package static func holdsUser(_ text: String) -> Bool { authority(text).contains("@") }

    /// - Returns: why no host can be found by this, in words; nil if one can.
    package static func problem(_ text: String) -> String? {
        if text.hasInterpolation { return "it is fixed, and cannot hold '${'" }
        let authority = authority(text)
        guard authority.hasPrefix("[") else {
            let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { return "an IPv6 address stands in [ ]" }
            guard !parts[0].isEmpty, parts[0].unicodeScalars.allSatisfy({ $0.isWord || $0 == "-" || $0 == "." }) else {
                return "'\(String(parts[0]).shortened)' is no host"
            }
            return parts.count == 2 ? portProblem(parts[1]) : nil
        }
        guard let end = authority.firstIndex(of: "]") else { return "'[' is never closed" }
        let address = authority[..<end].dropFirst()
        guard address.contains(":"), address.unicodeScalars.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
            return "'\(String(address).shortened)' is no IPv6 address"
        }
        let after = authority[end...].dropFirst()
        if after.isEmpty { return nil }
        return after.hasPrefix(":") ? portProblem(after.dropFirst()) : "nothing but a port follows ']'"
    }

    private static func portProblem(_ text: Substring) -> String? {
        if let port = UInt16(text), port > 0, text.utf8.first != UInt8(ascii: "+") { return nil }
        return "'\(String(text).shortened)' is not a port from 1 to 65535"
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
