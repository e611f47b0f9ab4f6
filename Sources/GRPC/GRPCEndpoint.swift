package import Curl

/// Where a gRPC service is, and how to get there.
package struct GRPCEndpoint: Sendable, Hashable {
    package var host: String
    package var port: Int
    /// HTTP/2 without TLS: for loopback and the emulator.
    package var plaintext: Bool
    package var options: ConnectionOptions

    package init(
        host: String, port: Int, plaintext: Bool = false, options: ConnectionOptions = ConnectionOptions()
    ) {
        self.host = host
        self.port = port
        self.plaintext = plaintext
        self.options = options
    }

    /// `host:port`
    var name: String { "\(bracketedHost):\(port)" }

    /// The port is left out where it is the scheme's own.
    var authority: String {
        port == (plaintext ? 80 : 443) ? bracketedHost : name
    }

    private var bracketedHost: String {
        host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
    }
}

package struct GRPCConfiguration: Sendable {
    package var userAgent = "sluice"
    /// Silence after which a PING is sent while an RPC is open. Doubles when the server calls it too much.
    package var keepaliveInterval: Duration = .seconds(60)
    /// How long a PING may stay unanswered.
    package var keepaliveTimeout: Duration = .seconds(20)
    /// A longer message ends its RPC with RESOURCE_EXHAUSTED.
    package var maximumMessageBytes = 8 << 20

    package init() {}
}

/// A unary RPC's result.
package struct GRPCReply: Sendable {
    package var message: [UInt8]
    package var trailers: GRPCMetadata
}
