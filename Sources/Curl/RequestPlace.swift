import Synchronization

/// Where a request goes, as its URL says.
struct RequestPlace: Sendable {
    /// `scheme://host:port`, lower case.
    let target: String
    /// As it stands in the URL, lower case.
    let host: String
    let isSecure: Bool
    /// The address that stands in the URL; nil for a name.
    let address: IPAddress?

    /// - Returns: nil unless the URL has a scheme and a host, and no blank or control character.
    init?(url: String) {
        guard let target = Self.target(of: url) else { return nil }
        self.target = target
        host = Self.host(of: target)
        isSecure = target.hasPrefix("https:")
        address = IPAddress(host: host)
    }

    /// - Returns: nil unless the URL has a scheme and a host, and no blank or control character.
    private static func target(of url: String) -> String? {
        let bytes = Array(url.utf8)
        guard bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F }), let scheme = scheme(of: bytes) else { return nil }
        let rest = bytes.dropFirst(scheme.count + 3)
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
        var authority = rest[..<(end ?? rest.endIndex)]
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) { authority = authority[(at + 1)...] }
        guard !authority.isEmpty, authority.first != UInt8(ascii: ":") else { return nil }
        let tail = authority.suffix(while: { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
        let hasPort = !tail.isEmpty && authority.dropLast(tail.count).last == UInt8(ascii: ":")
        let host = String(decoding: authority, as: UTF8.self).lowercased()
        return "\(scheme)://\(host)\(hasPort ? "" : scheme == "https" ? ":443" : ":80")"
    }

    private static func scheme(of url: [UInt8]) -> String? {
        let start = String(decoding: url.prefix(8), as: UTF8.self).lowercased()
        if start.hasPrefix("https://") { return "https" }
        return start.hasPrefix("http://") ? "http" : nil
    }

    private static func host(of target: String) -> String {
        let bytes = Array(target.utf8)
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")), let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
            slash < colon
        else { return target }
        return String(decoding: bytes[(slash + 1)..<colon], as: UTF8.self)
    }
}

extension ArraySlice<UInt8> {
    fileprivate func suffix(while isWanted: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        var start = endIndex
        while start > startIndex, isWanted(self[start - 1]) { start -= 1 }
        return self[start...]
    }
}

/// Places of URLs that were used lately: most requests go where the last ones went.
final class KnownPlaces: Sendable {
    static let maximum = 256

    private let places = Mutex<[String: RequestPlace]>([:])

    func place(of url: String) -> RequestPlace? {
        if let known = places.withLock({ $0[url] }) { return known }
        guard let place = RequestPlace(url: url) else { return nil }
        places.withLock { places in
            if places.count >= Self.maximum { places.removeAll(keepingCapacity: true) }
            places[url] = place
        }
        return place
    }
}
