import Curl
import PeerSupport
import Testing

@Suite(.enabled(if: PeerProcess.hasPython && PeerProcess.hasTinyproxy, "needs tinyproxy and python3 with cryptography"))
struct CurlClientProxyTests {
    private let client = CurlClient()

    @Test func `HTTPS goes through the proxy's CONNECT`() async throws {
        try await PeerProcess.with("http_peer.py", ["tls"]) { peer in
            try await Tinyproxy.with(allowedPorts: [peer.port]) { proxy, log in
                let options = ConnectionOptions(caFile: peer.facts["ca"], proxy: proxy)
                let request = HTTPRequest(url: "https://localhost:\(peer.port)/echo", connection: options)
                let answer = try await client.send(request)
                #expect(answer.status == 200)
                #expect(log().contains("CONNECT localhost:\(peer.port)"))
            }
        }
    }

    @Test func `a proxy that says no is a proxy error, and nothing was sent`() async throws {
        try await PeerProcess.with("http_peer.py", ["tls"]) { peer in
            try await Tinyproxy.with(allowedPorts: [1]) { proxy, _ in
                let options = ConnectionOptions(caFile: peer.facts["ca"], proxy: proxy)
                await #expect {
                    _ = try await client.send(
                        HTTPRequest(url: "https://localhost:\(peer.port)/echo", connection: options))
                } throws: { error in
                    guard let error = error as? TransportError else { return false }
                    return error.kind == .proxy && !error.mayHaveBeenSent && error.reason.contains("403")
                }
            }
        }
    }

    @Test func `a proxy that is not there is a proxy error`() async throws {
        let gone = try await PeerProcess("http_peer.py")
        await gone.stop()
        let options = ConnectionOptions(proxy: "http://127.0.0.1:\(gone.port)")
        await #expect {
            _ = try await client.send(HTTPRequest(url: "https://localhost:1/", connection: options))
        } throws: {
            ($0 as? TransportError)?.kind == .proxy
        }
    }
}
