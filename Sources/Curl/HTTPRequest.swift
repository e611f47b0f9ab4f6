/// One HTTP request. Redirects are never followed.
package struct HTTPRequest: Sendable {
    package struct Header: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var method: String
    /// `https://…`, or `http://…`; whether plaintext is allowed is the caller's decision.
    package var url: String
    package var headers: [Header]
    package var body: [UInt8]
    /// From the call to the last byte of the answer. Enforced outside libcurl as well.
    package var timeout: Duration
    /// What is read of the answer; the rest is discarded and `bodyIsTruncated` set.
    package var maximumResponseBytes: Int
    package var connection: ConnectionOptions
    /// Sent at most once. Otherwise libcurl sends a request again by itself when a kept connection dies before the
    /// first byte of an answer, which is only right where the receiver tells duplicates. Costs a connection of its own.
    package var isSentOnce = false
    /// Offers gzip and deflate, and hands on the answer's body unpacked; `maximumResponseBytes` counts it unpacked.
    package var acceptsCompression = false

    package init(
        method: String = "GET", url: String, headers: [Header] = [], body: [UInt8] = [],
        timeout: Duration = .seconds(30), maximumResponseBytes: Int = 1 << 20,
        connection: ConnectionOptions = ConnectionOptions()
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.maximumResponseBytes = maximumResponseBytes
        self.connection = connection
    }
}

/// How a connection is made. Requests with equal options share pooled connections.
package struct ConnectionOptions: Sendable, Hashable {
    /// PEM file that replaces the system's certificate authorities.
    package var caFile: String?
    /// PEM files of a client certificate and its key.
    package var clientCertificate: String?
    package var clientKey: String?
    /// `http://host:port`; nil takes the environment's (`https_proxy`, `no_proxy`), empty means none.
    package var proxy: String?
    package var connectTimeout: Duration
    /// What may be connected to, looked at once the name is resolved, on every connection. A proxy connects for us to
    /// where it will: through one, only addresses that stand in the URL are looked at.
    package var addresses: AddressScope

    package init(
        caFile: String? = nil, clientCertificate: String? = nil, clientKey: String? = nil, proxy: String? = nil,
        connectTimeout: Duration = .seconds(10), addresses: AddressScope = .all
    ) {
        self.addresses = addresses
        self.caFile = caFile
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
        self.proxy = proxy
        self.connectTimeout = connectTimeout
    }
}

package struct HTTPResponse: Sendable {
    package var status: Int
    package var body: [UInt8]
    package var bodyIsTruncated: Bool
    private var head: Head

    /// Of most answers nobody asks for a header: they are taken apart when somebody does.
    private enum Head: Sendable {
        case parsed([HTTPRequest.Header])
        /// Lines as they came.
        case raw([UInt8])
    }

    package init(
        status: Int, headers: [HTTPRequest.Header] = [], body: [UInt8] = [], bodyIsTruncated: Bool = false
    ) {
        self.status = status
        head = .parsed(headers)
        self.body = body
        self.bodyIsTruncated = bodyIsTruncated
    }

    init(status: Int, head: [UInt8], body: [UInt8], bodyIsTruncated: Bool) {
        self.status = status
        self.head = .raw(head)
        self.body = body
        self.bodyIsTruncated = bodyIsTruncated
    }

    package var headers: [HTTPRequest.Header] {
        switch head {
        case .parsed(let headers): headers
        case .raw(let lines): HTTPRequest.Header.read(lines)
        }
    }

    /// The first header of that name, whatever its case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

extension HTTPRequest.Header {
    /// - Parameter lines: `Name: value`, each with its line break.
    static func read(_ lines: [UInt8]) -> [HTTPRequest.Header] {
        lines.split(separator: 0x0A).compactMap { line in
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            return HTTPRequest.Header(
                String(decoding: trimmed(line[..<colon]), as: UTF8.self),
                String(decoding: trimmed(line[(colon + 1)...]), as: UTF8.self))
        }
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }
}

/// What performs requests; tests put their own in its place.
package protocol HTTPClient: Sendable {
    nonisolated(nonsending) func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse
}
