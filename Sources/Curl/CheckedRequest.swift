/// A request that can be sent: its URL has a scheme we speak, and nothing in it can break out of its line.
struct CheckedRequest: Sendable {
    let request: HTTPRequest
    /// `scheme://host:port`, lower case; what connections are counted by, and what errors name.
    var target: String { place.target }
    let place: RequestPlace

    /// - Parameter known: places of earlier requests.
    init(_ request: HTTPRequest, known: KnownPlaces) throws(TransportError) {
        self.request = request
        guard let place = known.place(of: request.url) else {
            throw TransportError(
                kind: .badURL, target: "(unreadable URL)", reason: "the URL is not http://host/… or https://host/…",
                mayHaveBeenSent: false)
        }
        self.place = place
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

    /// RFC 9110, section 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+.^_`|~".utf8.contains(byte)
        }
    }
}
