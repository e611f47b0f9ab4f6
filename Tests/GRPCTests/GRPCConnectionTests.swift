import Curl
import PeerSupport
import Testing

@testable import GRPC

@Suite(.enabled(if: PeerProcess.hasPython, "needs python3 with grpcio and cryptography; name it in SLUICE_PYTHON"))
struct GRPCConnectionTests {
    private func endpoint(_ peer: PeerProcess, ca: String = "ca", proxy: String = "") -> GRPCEndpoint {
        GRPCEndpoint(
            host: "localhost", port: peer.port, options: ConnectionOptions(caFile: peer.facts[ca], proxy: proxy))
    }

    private func withServer(
        _ arguments: [String] = [], _ body: (PeerProcess, GRPCConnection) async throws -> Void
    ) async throws {
        try await PeerProcess.with("grpc_echo_peer.py", arguments) { peer in
            let connection = GRPCConnection(endpoint: endpoint(peer))
            try await body(peer, connection)
            await connection.close()
        }
    }

    private func failure(_ body: () async throws -> Void) async -> GRPCError? {
        do {
            try await body()
            Issue.record("no error")
            return nil
        } catch {
            return error as? GRPCError
        }
    }

    @Test func `a unary RPC is answered, with its trailers`() async throws {
        try await withServer { _, connection in
            for size in [0, 1, 5, 70_000, 3_000_000] {
                let message = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                let reply = try await connection.unary(path: "/t/Unary", message: message, deadline: .seconds(20))
                #expect(reply.message == message)
                #expect(reply.trailers["rpc-id"] == "r-1")
            }
        }
    }

    @Test func `many unary RPCs share one connect`() async throws {
        try await withServer { _, connection in
            try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for index in 0..<50 {
                    group.addTask {
                        let message = [UInt8(index)]
                        return try await connection.unary(path: "/t/Unary", message: message, deadline: .seconds(20))
                            .message
                    }
                }
                var seen: [UInt8] = []
                for try await message in group { seen += message }
                #expect(seen.sorted() == Array(0..<50))
            }
        }
    }

    @Test func `metadata arrives`() async throws {
        try await withServer { _, connection in
            let reply = try await connection.unary(
                path: "/t/Metadata", message: [], metadata: ["accesstoken": "00D!x", "TenantId": "00D"],
                deadline: .seconds(20))
            let lines = String(decoding: reply.message, as: UTF8.self).split(separator: "\n")
            #expect(lines.contains("accesstoken=00D!x"))
            #expect(lines.contains("tenantid=00D"))
            #expect(lines.contains("user-agent=sluice"))
        }
    }

    @Test func `an error without any message has its code, text and trailers`() async throws {
        try await withServer { peer, connection in
            let error = await failure {
                _ = try await connection.unary(
                    path: "/t/Fail", message: Array("16 nicht angemeldet: ✗ 50 %".utf8), deadline: .seconds(20))
            }
            #expect(error?.code == .unauthenticated)
            #expect(error?.message == "nicht angemeldet: ✗ 50 %")
            #expect(error?.errorCode == "sfdc.test")
            #expect(error?.rpcID == "r-2")
            #expect(error?.method == "/t/Fail")
            #expect(error?.endpoint == "localhost:\(peer.port)")
            let unknown = await failure {
                _ = try await connection.unary(path: "/t/Nothing", message: [], deadline: .seconds(20))
            }
            #expect(unknown?.code == .unimplemented)
        }
    }

    @Test func `a deadline of ours ends an RPC, and the connection goes on`() async throws {
        try await withServer { _, connection in
            let error = await failure {
                _ = try await connection.unary(path: "/t/Slow", message: [], deadline: .milliseconds(300))
            }
            #expect(error?.code == .deadlineExceeded)
            let reply = try await connection.unary(path: "/t/Unary", message: [1], deadline: .seconds(20))
            #expect(reply.message == [1])
        }
    }

    @Test func `a stream that is abandoned takes its connection along, and leaves the other streams alone`() async throws {
        try await withServer { _, connection in
            let other = try await connection.open(path: "/t/Chat")
            try await other.send([1])
            #expect(try await other.next() == [1])
            func place() async throws -> [UInt8] {
                try await connection.unary(path: "/t/Peer", message: [], deadline: .seconds(20)).message
            }
            let before = try await place()
            #expect(try await place() == before)
            let dead = try await connection.open(path: "/t/Chat")
            await dead.abandon()
            let after = try await place()
            #expect(after != before)
            try await other.send([2])
            #expect(try await other.next() == [2])
            #expect(try await place() == after, "one new connection, not one for each call")
        }
    }

    @Test func `a stream carries messages both ways until it is half-closed`() async throws {
        try await withServer { _, connection in
            let stream = try await connection.open(path: "/t/Chat")
            for index in 0..<100 as Range<UInt8> {
                try await stream.send([index])
                #expect(try await stream.next() == [index])
            }
            #expect(await stream.initialMetadata?["greeting"] == "hello")
            await stream.finishSending()
            #expect(try await stream.next() == nil)
            #expect(await stream.trailers?["grpc-status"] == "0")
        }
    }

    @Test func `posted messages arrive in order, and after the end they are dropped`() async throws {
        try await withServer { _, connection in
            let stream = try await connection.open(path: "/t/Chat")
            for index in 0..<100 as Range<UInt8> { stream.post([index]) }
            for index in 0..<100 as Range<UInt8> { #expect(try await stream.next() == [index]) }
            await stream.cancel()
            stream.post([1])
            let error = await failure { _ = try await stream.next() }
            #expect(error?.code == .cancelled)
        }
    }

    /// Whatever the thread does next would keep the server waiting: credit for events is posted.
    @Test func `what is posted on the I/O thread leaves at once`() async throws {
        try await withServer { _, connection in
            let stream = try await connection.open(path: "/t/Chat")
            for index in 0..<3 as Range<UInt8> {
                #expect(await post([index], on: stream) == 0)
                #expect(try await stream.next() == [index])
            }
        }
    }

    /// - Returns: bytes that have not left when the thread goes on.
    @IOThread private func post(_ message: [UInt8], on stream: GRPCStream) -> Int {
        stream.post(message)
        return stream.call.unsentBytes
    }

    @Test func `messages before an error are delivered first`() async throws {
        try await withServer { _, connection in
            let stream = try await connection.open(path: "/t/FailLater")
            #expect(try await stream.next() == Array("one".utf8))
            #expect(try await stream.next() == Array("two".utf8))
            for _ in 0..<2 {
                let error = await failure { _ = try await stream.next() }
                #expect(error?.code == .invalidArgument)
                #expect(error?.message == "später: 100 % ✓")
                #expect(error?.errorCode == "sfdc.late")
            }
        }
    }

    @Test(arguments: [(5, 3_000_000), (20_000, 100), (1000, 36_000)])
    func `a slow or fast reader gets every message`(count: Int, size: Int) async throws {
        try await withServer { _, connection in
            let stream = try await connection.open(path: "/t/Many")
            try await stream.send(Array("\(count) \(size)".utf8))
            var messages = 0
            var bytes = 0
            while let message = try await stream.next() {
                messages += 1
                bytes += message.count
            }
            #expect(messages == count)
            #expect(bytes == count * size)
        }
    }

    @Test func `a sender waits for a server that does not read, and is let go by cancel`() async throws {
        try await withServer { _, connection in
            let stream = try await connection.open(path: "/t/Slow")
            let sender = Task {
                await failure {
                    while true { try await stream.send([UInt8](repeating: 0, count: 1 << 20)) }
                }
            }
            // Until it is stuck there is nothing to see from here; cancelling is right at any time.
            await stream.cancel()
            #expect(await sender.value?.code == .cancelled)
        }
    }

    @Test func `a cancelled reader leaves, and the stream goes on`() async throws {
        try await withServer { _, connection in
            let stream = try await connection.open(path: "/t/Chat")
            let reader = Task { await failure { _ = try await stream.next() } }
            reader.cancel()
            #expect(await reader.value?.code == .cancelled)
            try await stream.send([7])
            #expect(try await stream.next() == [7])
        }
    }

    @Test func `after GOAWAY old streams finish, and new RPCs get a new connection`() async throws {
        try await withServer { peer, connection in
            let stream = try await connection.open(path: "/t/Chat")
            try await stream.send([1])
            #expect(try await stream.next() == [1])
            async let stopped = peer.tell("stop 20")
            // The listener goes at once; from then on only the old connection is left.
            while (try? await connection.unary(path: "/t/Unary", message: [1], deadline: .seconds(5))) != nil {}
            try await stream.send([2])
            #expect(try await stream.next() == [2])
            await stream.finishSending()
            #expect(try await stream.next() == nil)
            #expect(await stopped == "stopped")
        }
    }

    @Test func `a killed server ends its streams with UNAVAILABLE`() async throws {
        try await withServer { peer, connection in
            let stream = try await connection.open(path: "/t/Chat")
            try await stream.send([1])
            #expect(try await stream.next() == [1])
            await peer.stop()
            let error = await failure { _ = try await stream.next() }
            #expect(error?.code == .unavailable)
            #expect(error?.origin == .transport)
            #expect(error?.isRetryable == true)
            let later = await failure { _ = try await connection.open(path: "/t/Chat") }
            #expect(later?.underlying?.kind == .connect)
            #expect(later?.wasRefused == true)
        }
    }

    @Test(arguments: [("localhost", "otherCA"), ("expired", "ca"), ("elsewhere.example", "ca")])
    func `a certificate that does not hold is for the operator`(host: String, ca: String) async throws {
        try await PeerProcess.with("grpc_echo_peer.py", [host]) { peer in
            let connection = GRPCConnection(endpoint: endpoint(peer, ca: ca))
            let error = await failure { _ = try await connection.open(path: "/t/Chat") }
            #expect(error?.code == .unavailable)
            #expect(error?.underlying?.kind == .certificate)
            #expect(error?.isRetryable == false)
        }
    }

    @Test(.enabled(if: PeerProcess.hasTinyproxy)) func `works through a proxy's CONNECT`() async throws {
        try await PeerProcess.with("grpc_echo_peer.py") { peer in
            try await Tinyproxy.with(allowedPorts: [peer.port]) { proxy, log in
                let connection = GRPCConnection(endpoint: endpoint(peer, proxy: proxy))
                let message = [UInt8](repeating: 3, count: 3_000_000)
                let reply = try await connection.unary(path: "/t/Unary", message: message, deadline: .seconds(20))
                #expect(reply.message == message)
                #expect(log().contains("CONNECT localhost:\(peer.port)"))
                await connection.close()
            }
        }
    }

    @Test func `a server that falls silent is given up after a PING`() async throws {
        try await PeerProcess.with("http_peer.py", ["silent"]) { peer in
            var configuration = GRPCConfiguration()
            configuration.keepaliveInterval = .milliseconds(50)
            configuration.keepaliveTimeout = .milliseconds(50)
            let endpoint = GRPCEndpoint(host: "127.0.0.1", port: peer.port, plaintext: true)
            let connection = GRPCConnection(endpoint: endpoint, configuration: configuration)
            let stream = try await connection.open(path: "/t/Chat")
            let error = await failure { _ = try await stream.next() }
            #expect(error?.code == .unavailable)
            #expect(error?.message == "keepalive timeout")
            #expect(error?.origin == .transport)
        }
    }

    @Test func `a server that speaks no HTTP/2 is told apart`() async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            let connection = GRPCConnection(
                endpoint: GRPCEndpoint(host: "127.0.0.1", port: peer.port, plaintext: true))
            let error = await failure {
                _ = try await connection.unary(path: "/t/Unary", message: [], deadline: .seconds(20))
            }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("HTTP/2") == true, "\(error?.message ?? "")")
        }
    }

    @Test func `closing ends open RPCs and refuses new ones`() async throws {
        try await withServer { _, connection in
            let stream = try await connection.open(path: "/t/Chat")
            await connection.close()
            #expect(await failure { _ = try await stream.next() }?.code == .cancelled)
            #expect(await failure { _ = try await connection.open(path: "/t/Chat") }?.code == .cancelled)
        }
    }
}
