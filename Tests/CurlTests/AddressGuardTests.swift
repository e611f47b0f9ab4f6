import Curl
import PeerSupport
import Testing

/// Against a server of this machine, which is no public address under any name.
@Suite(.enabled(if: PeerProcess.hasPython, "needs python3 with grpcio and cryptography; name it in SLUICE_PYTHON"))
struct AddressGuardTests {
    private func request(_ host: String, _ peer: PeerProcess, _ scope: AddressScope) -> HTTPRequest {
        HTTPRequest(
            url: "http://\(host):\(peer.port)/echo", timeout: .seconds(20),
            connection: ConnectionOptions(proxy: "", addresses: scope))
    }

    private func failure(_ request: HTTPRequest, by client: CurlClient) async -> TransportError? {
        do throws(TransportError) {
            let answer = try await client.send(request)
            Issue.record("\(request.url) answered \(answer.status)")
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        "127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "0.0.0.0", "LOCALHOST", "localhost.", "user@127.0.0.1", "127.0.0.1%2e",
    ])
    func `no name of this machine leads to it`(_ host: String) async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            let error = try #require(await failure(request(host, peer, .public), by: CurlClient()))
            #expect(!error.mayHaveBeenSent)
            #expect(error.kind == .badURL || error.kind == .resolve, "\(error)")
        }
    }

    @Test func `a name that is resolved to a private address is refused, with the address and what to do`() async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            let error = try #require(await failure(request("localhost", peer, .public), by: CurlClient()))
            #expect(error.kind == .badURL)
            #expect(error.reason.contains("is loopback") && error.reason.contains("allowPrivate: true"), "\(error)")
        }
    }

    @Test func `a connection that others keep open is no way around`() async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            let client = CurlClient()
            #expect(try await client.send(request("localhost", peer, .all)).status == 200)
            let error = try #require(await failure(request("localhost", peer, .public), by: client))
            #expect(error.kind == .badURL, "\(error)")
            #expect(try await client.send(request("localhost", peer, .all)).status == 200)
        }
    }

    @Test func `tests may call this machine, and nothing else that is private`() async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            let client = CurlClient()
            #expect(try await client.send(request("localhost", peer, .publicOrLoopback)).status == 200)
            let error = try #require(await failure(request("10.0.0.1", peer, .publicOrLoopback), by: client))
            #expect(error.reason.contains("10.0.0.1 is private"))
        }
    }

    @Test func `through a proxy, addresses in the URL are still refused`() async throws {
        var options = ConnectionOptions(proxy: "http://127.0.0.1:9", addresses: .public)
        options.connectTimeout = .seconds(5)
        let request = HTTPRequest(url: "http://169.254.169.254/latest", connection: options)
        let error = try #require(await failure(request, by: CurlClient()))
        #expect(error.kind == .badURL && error.reason.contains("link-local"))
    }
}
