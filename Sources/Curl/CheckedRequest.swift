/// A request that can be sent: its URL has a scheme we speak, and nothing in it can break out of its line.
struct CheckedRequest: Sendable {
    let request: HTTPRequest
    /// `scheme://host:port`, lower case; what connections are counted by, and what errors name.
    let target: String

    init(_ request: HTTPRequest) throws(TransportError) {
        self.request = request
        guard let target = Self.target(of: request.url) else {
            throw TransportError(
                kind: .badURL, target: "(unreadable URL)", reason: "the URL is not http://host/… or https://host/…",
                mayHaveBeenSent: false)
        }
        self.target = target
        guard request.method.utf8.allSatisfy(Self.isToken), !request.method.isEmpty else {
            throw failure(.other, "the method is not a word")
        }
        for header in request.headers { try check(header) }
    }

    private func check(_ header: HTTPRequest.Header) throws(TransportError) {
        guard !header.name.isEmpty, header.name.utf8.allSatisfy(Self.isToken) else {
            throw failure(.other, "a header name is empty or has a character that HTTP does not allow")
        }
        guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw failure(.other, "the value of header \(header.name) has a line break or control character")
        }
    }

    /// A failure of which the peer knows nothing.
    func failure(_ kind: TransportError.Kind, _ reason: String) -> TransportError {
        TransportError(kind: kind, target: target, reason: reason, mayHaveBeenSent: false)
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

    /// RFC 9110, section 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

extension ArraySlice<UInt8> {
    fileprivate func suffix(while isWanted: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        var start = endIndex
        while start > startIndex, isWanted(self[start - 1]) { start -= 1 }
        return self[start...]
    }
}
