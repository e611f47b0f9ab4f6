import Curl
import Foundation
import PeerSupport
import Testing

@Suite(.enabled(if: PeerProcess.hasPython, "needs python3 with grpcio and cryptography; name it in SLUICE_PYTHON"))
struct CurlClientTests {
    private let client = CurlClient()

    private func get(_ peer: PeerProcess, _ path: String, timeout: Duration = .seconds(20)) -> HTTPRequest {
        HTTPRequest(url: "http://127.0.0.1:\(peer.port)\(path)", timeout: timeout)
    }

    private func failure(_ request: HTTPRequest, by other: CurlClient? = nil) async -> TransportError? {
        do throws(TransportError) {
            let answer = try await (other ?? client).send(request)
            Issue.record("answered \(answer.status)")
            return nil
        } catch {
            return error
        }
    }

    @Test func `sends what it is told, and nothing of its own`() async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            var request = get(peer, "/echo?a=b")
            request.method = "POST"
            request.headers = [.init("webhook-id", "m_1"), .init("X-Empty", "")]
            request.body = [UInt8](repeating: 65, count: 2 << 20)
            request.maximumResponseBytes = 4 << 20
            let answer = try await client.send(request)
            let text = String(decoding: answer.body.prefix(2000), as: UTF8.self)
            let head = text.components(separatedBy: "\n\n")[0].components(separatedBy: "\n")
            #expect(head.first == "POST")
            #expect(head.contains("webhook-id: m_1"))
            #expect(head.contains("Content-Length: \(2 << 20)"))
            let names = Set(head.dropFirst().map { $0.prefix { $0 != ":" }.lowercased() })
            #expect(names == ["host", "accept", "webhook-id", "x-empty", "content-length"])
            #expect(answer.body.count > 2 << 20)
            #expect(answer.headers.filter { $0.name.lowercased() == "x-two" }.map(\.value) == ["a", "b"])
        }
    }

    @Test(arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
    func `a method without a body says so`(method: String) async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            var request = get(peer, "/echo")
            request.method = method
            // A handle that was used for something else must not remember it.
            var before = request
            before.method = "POST"
            before.body = [1, 2, 3]
            before.headers = [.init("Content-Type", "x/y")]
            _ = try await client.send(before)
            if method == "HEAD" {
                let answer = try await client.send(request)
                #expect(answer.status == 200)
                return
            }
            let text = String(decoding: try await client.send(request).body, as: UTF8.self)
            #expect(text.hasPrefix(method + "\n"))
            #expect(text.contains("Content-Length: 0") == ["POST", "PUT", "PATCH"].contains(method))
            #expect(!text.contains("Content-Type"))
        }
    }

    @Test func `keeps its connection`() async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            for _ in 0..<20 {
                let answer = try await client.send(get(peer, "/echo"))
                #expect(answer.status == 200)
            }
            #expect(await peer.tell("connections") == "1")
        }
    }

    @Test func `uses no more connections than allowed, and serves all`() async throws {
        var limits = CurlClient.Limits()
        limits.connectionsPerHost = 3
        let client = CurlClient(limits: limits)
        try await PeerProcess.with("http_peer.py") { peer in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<60 { group.addTask { try await client.send(get(peer, "/echo")).status } }
                for try await status in group { #expect(status == 200) }
            }
            let connections = await peer.tell("connections")
            #expect((1...3).contains(Int(connections) ?? 0))
        }
    }

    @Test(arguments: [204, 301, 404, 503]) func `any status is an answer`(status: Int) async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            let answer = try await client.send(get(peer, "/status?\(status)"))
            #expect(answer.status == status)
            #expect(answer.header("location") == "/echo")
        }
    }

    @Test func `interim answers are skipped`() async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            let answer = try await client.send(get(peer, "/interim"))
            #expect(answer.status == 200)
            #expect(answer.header("x-early") == nil)
            #expect(answer.body == Array("late".utf8))
        }
    }

    @Test(arguments: ["/endless", "/endless-headers"]) func `an endless answer is cut`(path: String) async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            var request = get(peer, path)
            request.maximumResponseBytes = 50_000
            if path == "/endless" {
                let answer = try await client.send(request)
                #expect(answer.body.count == 50_000)
                #expect(answer.bodyIsTruncated)
            } else {
                let error = await failure(request)
                #expect(error?.reason.contains("headers exceed") == true)
                #expect(error?.status == 200)
            }
        }
    }

    @Test func `a broken answer is a reset, a complete one is not`() async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            let closed = await failure(get(peer, "/close"))
            #expect(closed?.kind == .reset && closed?.mayHaveBeenSent == true)
            let said = closed.map { "\($0)" } ?? ""
            #expect(said.hasPrefix("no answer from http"), "\(said)")
            #expect(said.hasSuffix(": it closed the connection before it answered"), "\(said)")

            let before = await failure(get(peer, "/reset-before"))
            #expect(before?.kind == .reset)
            #expect(before?.mayHaveBeenSent == true)
            #expect(before?.status == nil)

            let inside = await failure(get(peer, "/reset-inside"))
            #expect(inside?.kind == .reset)
            #expect(inside.map { "\($0)".hasPrefix("the answer of http") } == true)

            let chunked = await failure(get(peer, "/chunked-then-reset"))
            #expect(chunked?.kind == .reset)
            #expect(chunked?.status == 200)

            let complete = try await client.send(get(peer, "/unframed-then-reset"))
            #expect(complete.status == 200)
            #expect(complete.body == Array("all of it".utf8))
        }
    }

    @Test func `a request that must be sent once is not sent again when its connection dies`() async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            // A kept connection is what tempts libcurl to send again.
            _ = try await client.send(get(peer, "/resets"))
            var request = get(peer, "/reset-before")
            request.method = "POST"
            request.isSentOnce = true
            #expect(await failure(request)?.kind == .reset)
            #expect(try await client.send(get(peer, "/resets")).body == Array("1".utf8))
        }
    }

    @Test func `what is not HTTP is refused`() async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            let error = await failure(get(peer, "/garbage"))
            #expect(error?.mayHaveBeenSent == true)
        }
    }

    @Test(arguments: ["/silent", "/drip"]) func `a deadline ends the wait`(path: String) async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            // Connected already, and with time enough for a busy machine to bring the request and the answer's head over.
            _ = try await client.send(get(peer, "/resets"))
            let error = await failure(get(peer, path, timeout: .seconds(2)))
            #expect(error?.kind == .timeout)
            #expect(error?.mayHaveBeenSent == true)
            #expect(error?.status == (path == "/drip" ? 200 : nil))
        }
    }

    @Test func `a request that waits for a connection has its deadline too, and was not sent`() async throws {
        var limits = CurlClient.Limits()
        limits.connectionsPerHost = 1
        let client = CurlClient(limits: limits)
        try await PeerProcess.with("http_peer.py") { peer in
            // Holds the only connection until it is told otherwise, however slow the machine is.
            let first = Task { await failure(get(peer, "/silent", timeout: .seconds(300)), by: client) }
            while await peer.tell("connections") == "0" { await Task.yield() }
            let error = await failure(get(peer, "/echo", timeout: .milliseconds(100)), by: client)
            #expect(error?.kind == .timeout)
            #expect(error?.mayHaveBeenSent == false)
            first.cancel()
            #expect(await first.value?.kind == .cancelled)
            let answer = try await client.send(get(peer, "/echo"))
            #expect(answer.status == 200)
        }
    }

    /// Their deadlines pass in the same moment, in which each gets the handle of the one before it.
    @Test func `requests that were never sent do not inherit the answer of the one before them`() async throws {
        var limits = CurlClient.Limits()
        limits.connectionsPerHost = 1
        let client = CurlClient(limits: limits)
        try await PeerProcess.with("http_peer.py") { peer in
            let request = get(peer, "/drip", timeout: .seconds(2))
            let errors = await withTaskGroup(of: TransportError?.self) { group in
                for _ in 0..<100 { group.addTask { await failure(request, by: client) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(errors.count { $0?.kind == .timeout } == 100)
            // Each that was sent had a connection of its own: the one before it was closed in the middle of its answer.
            let sent = try #require(Int(await peer.tell("connections")))
            #expect(errors.count { $0?.status != nil } <= sent)
            #expect(errors.count { $0?.mayHaveBeenSent == true } <= sent + 1)
        }
    }

    @Test func `a cancelled task breaks its request off`() async throws {
        try await PeerProcess.with("http_peer.py") { peer in
            let request = get(peer, "/silent", timeout: .seconds(300))
            let task = Task { await failure(request) }
            while await peer.tell("connections") == "0" { await Task.yield() }
            task.cancel()
            #expect(await task.value?.kind == .cancelled)
            let late = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await failure(request)
            }
            #expect(await late.value?.kind == .cancelled)
            #expect(await late.value?.mayHaveBeenSent == false)
        }
    }

    @Test func `nobody listening is a connect error, and nothing was sent`() async throws {
        let peer = try await PeerProcess("http_peer.py")
        await peer.stop()
        let error = await failure(get(peer, "/secret?token=abc"))
        #expect(error?.kind == .connect)
        #expect(error?.mayHaveBeenSent == false)
        #expect(error?.target == "http://127.0.0.1:\(peer.port)")
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `an unknown name is a resolve error`() async throws {
        let error = await failure(HTTPRequest(url: "http://sluice-test.invalid/"))
        #expect(error?.kind == .resolve)
        #expect(error?.mayHaveBeenSent == false)
    }
}
