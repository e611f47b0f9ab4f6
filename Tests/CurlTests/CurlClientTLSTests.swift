import Curl
import Foundation
import PeerSupport
import Testing

@Suite(.enabled(if: PeerProcess.hasPython, "needs python3 with grpcio and cryptography; name it in SLUICE_PYTHON"))
struct CurlClientTLSTests {
    private let client = CurlClient()

    private func request(_ peer: PeerProcess, ca: String = "ca") -> HTTPRequest {
        HTTPRequest(
            url: "https://localhost:\(peer.port)/echo",
            connection: ConnectionOptions(caFile: peer.facts[ca], proxy: ""))
    }

    private func failure(_ request: HTTPRequest) async -> TransportError? {
        do throws(TransportError) {
            let answer = try await client.send(request)
            Issue.record("answered \(answer.status)")
            return nil
        } catch {
            return error
        }
    }

    @Test func `a certificate of the configured authority is trusted, and the connection kept`() async throws {
        try await PeerProcess.with("http_peer.py", ["tls"]) { peer in
            for _ in 0..<5 {
                let answer = try await client.send(request(peer))
                #expect(answer.status == 200)
            }
            #expect(await peer.tell("connections") == "1")
        }
    }

    @Test(arguments: [
        ("tls", "otherCA", "issuer"), ("tls", "none", "issuer"), ("expired", "ca", "expired"),
        ("elsewhere", "ca", "matches target host name"),
    ])
    func `a certificate that does not hold is refused in plain words`(
        mode: String, ca: String, words: String
    ) async throws {
        try await PeerProcess.with("http_peer.py", [mode]) { peer in
            let error = await failure(request(peer, ca: ca))
            #expect(error?.kind == .certificate)
            #expect(error?.mayHaveBeenSent == false)
            #expect(error?.reason.contains(words) == true, "\(error?.reason ?? "")")
        }
    }

    @Test func `a file that is not there is a local problem`() async throws {
        try await PeerProcess.with("http_peer.py", ["tls"]) { peer in
            var broken = request(peer)
            broken.connection.caFile = "/nowhere/ca.pem"
            #expect(await failure(broken)?.kind == .localFile)
            broken = request(peer)
            broken.connection.clientCertificate = "/nowhere/client.pem"
            #expect(await failure(broken)?.kind == .localFile)
        }
    }

    @Test func `a client certificate opens a door that is closed without it`() async throws {
        try await PeerProcess.with("http_peer.py", ["mutual"]) { peer in
            let refused = await failure(request(peer))
            #expect(refused?.kind == .tls)
            var known = request(peer)
            known.connection.clientCertificate = peer.facts["clientCertificate"]
            known.connection.clientKey = peer.facts["clientKey"]
            let answer = try await client.send(known)
            #expect(answer.status == 200)
            // Connections with other options are not shared.
            #expect(await failure(request(peer))?.kind == .tls)
        }
    }

    @Test func `a server without TLS is told as that`() async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            let error = await failure(request(peer))
            #expect(error?.kind == .notTLS && error?.reason == "it answers without TLS", "\(error?.reason ?? "")")
        }
    }
}
