import HTTP2
import Testing

@testable import GRPC

@Suite struct GRPCSessionTests {
    @Test func `a unary RPC passes through, split at any byte`() throws {
        for size in [1, 2, 3, 5, 7, 64, 1 << 20] {
            let pair = GRPCPair()
            let stream = try pair.client.start(path: "/s/M", metadata: ["accesstoken": "t"], timeout: .seconds(3))
            pair.client.send(Array("ask".utf8), on: stream)
            pair.client.finishSending(stream)
            try pair.exchange(chunk: size)
            guard case .rpcStarted(stream, "/s/M", let metadata)? = pair.serverEvents.first else {
                Issue.record("no RPC: \(pair.serverEvents)")
                return
            }
            #expect(metadata["accesstoken"] == "t")
            #expect(metadata["te"] == "trailers")
            #expect(metadata["grpc-timeout"] == "3000m")
            let rest: [GRPCServerEvent] = [
                .message(streamID: stream, bytes: Array("ask".utf8)), .halfClosed(streamID: stream),
            ]
            #expect(Array(pair.serverEvents.dropFirst()) == rest)

            pair.server.sendInitialMetadata(["x-first": "1"], on: stream)
            pair.server.send(Array("answer".utf8), on: stream)
            pair.server.finish(stream, trailers: ["rpc-id": "r"])
            try pair.exchange(chunk: size)
            #expect(pair.initialMetadata(of: stream)?["x-first"] == "1")
            #expect(pair.messages(of: stream) == [Array("answer".utf8)])
            #expect(try pair.result(of: stream)?.get()["rpc-id"] == "r")
        }
    }

    @Test func `an error's message and trailers arrive, with or without a message before`() throws {
        for messages in 0...2 {
            let pair = GRPCPair()
            let stream = try pair.start()
            for _ in 0..<messages { pair.server.send([1], on: stream) }
            let status = GRPCStatus(.invalidArgument, "später: 100 % ✓\n")
            pair.server.finish(stream, status, trailers: ["error-code": "sfdc.x", "rpc-id": "r"])
            try pair.exchange()
            let error = try #require(pair.error(of: stream))
            #expect(pair.messages(of: stream).count == messages)
            #expect(error.code == .invalidArgument)
            #expect(error.message == "später: 100 % ✓\n")
            #expect(error.errorCode == "sfdc.x")
            #expect(error.rpcID == "r")
            #expect(error.origin == .peer)
            #expect(!error.isRetryable)
        }
    }

    @Test(arguments: [
        (HTTP2ErrorCode.noError, GRPCStatus.Code.internal), (.internalError, .internal), (.protocolError, .internal),
        (.refusedStream, .unavailable), (.cancel, .cancelled), (.enhanceYourCalm, .resourceExhausted),
    ])
    func `a reset becomes a status, and can be retried`(reset: HTTP2ErrorCode, code: GRPCStatus.Code) throws {
        let pair = GRPCPair()
        let stream = try pair.start()
        pair.server.send([1], on: stream)
        pair.server.reset(stream, code: reset)
        try pair.exchange()
        let error = try #require(pair.error(of: stream))
        #expect(error.code == code)
        #expect(error.isRetryable)
        #expect(error.wasRefused == (reset == .refusedStream))
    }

    @Test func `a compressed message is refused in plain words`() throws {
        var framing = MessageFraming(maximumMessageBytes: 100)
        let error = #expect(throws: GRPCError.self) { _ = try framing.append([1, 0, 0, 0, 1, 9]) }
        #expect(error?.code == .unimplemented)
        #expect(error?.message.contains("compressed") == true)
    }

    @Test func `a message above the limit is refused before it is read`() throws {
        var configuration = GRPCConfiguration()
        configuration.maximumMessageBytes = 1000
        let pair = GRPCPair(configuration: configuration)
        let stream = try pair.start()
        pair.server.send([UInt8](repeating: 0, count: 1001), on: stream)
        try pair.exchange()
        let error = try #require(pair.error(of: stream))
        #expect(error.code == .resourceExhausted)
        #expect(error.origin == .us)
        #expect(!error.isRetryable)
        #expect(pair.serverEvents.last == .cancelled(streamID: stream, code: .cancel))
    }

    @Test func `a server refuses a message above its limit`() throws {
        var limits = GRPCServerSession.Limits()
        limits.messageBytes = 10
        let pair = GRPCPair(limits: limits)
        let stream = try pair.start()
        pair.client.send([UInt8](repeating: 0, count: 11), on: stream)
        try pair.exchange()
        #expect(pair.error(of: stream)?.code == .resourceExhausted)
        #expect(pair.serverEvents.last == .cancelled(streamID: stream, code: .noError))
    }

    @Test func `a message larger than the window arrives though nobody has read`() throws {
        let pair = GRPCPair()
        let stream = try pair.start()
        pair.server.send([UInt8](repeating: 5, count: 7 << 20), on: stream)
        try pair.exchange()
        #expect(pair.messages(of: stream).map(\.count) == [7 << 20])
    }

    @Test func `unread messages stop at the window, and flow on once taken`() throws {
        let pair = GRPCPair()
        let stream = try pair.start()
        for _ in 0..<20 { pair.server.send([UInt8](repeating: 5, count: 1 << 20), on: stream) }
        try pair.exchange()
        let arrived = pair.messages(of: stream).count
        #expect((3...5).contains(arrived))
        pair.client.taken(arrived, from: stream)
        try pair.exchange()
        #expect(pair.messages(of: stream).count > arrived)
        #expect(pair.messages(of: stream).count < 20)
    }

    @Test func `a server's end also ends a stream that the client would go on with`() throws {
        let pair = GRPCPair()
        let stream = try pair.start()
        pair.server.finish(stream)
        try pair.exchange()
        #expect(try pair.result(of: stream)?.get() != nil)
        pair.client.goAway()
        pair.server.goAway()
        try pair.exchange()
        #expect(pair.client.isFinished && pair.server.isFinished)
    }

    @Test(arguments: [
        [("a b", "1")], [("grpc-timeout", "1")], [("te", "x")], [("accesstoken", "a\nb")], [("accesstoken", " a")],
        [("", "1")], [(":path", "1")],
    ])
    func `metadata that would break the request is refused without its value`(pairs: [(String, String)]) throws {
        let pair = GRPCPair()
        let error = #expect(throws: GRPCError.self) {
            _ = try pair.client.start(path: "/s/M", metadata: GRPCMetadata(pairs), timeout: nil)
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.description.contains("a\nb") == false)
    }

    @Test func `what is not gRPC is refused by the server with an HTTP status`() throws {
        let server = GRPCServerSession()
        let client = ClientSession()
        let stream = try client.request([
            HTTP2Header(":method", "GET"), HTTP2Header(":scheme", "http"), HTTP2Header(":path", "/"),
            HTTP2Header(":authority", "x"),
        ])
        #expect(try server.receive(client.bytesToSend()).isEmpty)
        let events = try client.receive(server.bytesToSend())
        #expect(events.contains(.headers(streamID: stream, [HTTP2Header(":status", "405")])))
    }

    @Test func `a client gone before its answer is told to the owner`() throws {
        let pair = GRPCPair()
        let stream = try pair.start()
        pair.client.cancel(stream)
        try pair.exchange()
        #expect(pair.serverEvents.last == .cancelled(streamID: stream, code: .cancel))
        pair.server.send([1], on: stream)
        pair.server.finish(stream)
        try pair.exchange()
        #expect(pair.result(of: stream) == nil)
    }
}

@Suite struct ResponseReaderTests {
    private func error(_ fields: [HTTP2Header]) -> GRPCError? {
        var reader = ResponseReader(maximumMessageBytes: 100)
        reader.headers(fields)
        guard case .failure(let error) = reader.end() else { return nil }
        return error
    }

    @Test(arguments: [
        (400, GRPCStatus.Code.internal), (401, .unauthenticated), (403, .permissionDenied), (404, .unimplemented),
        (429, .unavailable), (502, .unavailable), (503, .unavailable), (504, .unavailable), (418, .unknown),
    ])
    func `an HTTP status becomes a gRPC status`(status: Int, code: GRPCStatus.Code) {
        let found = error([HTTP2Header(":status", "\(status)"), HTTP2Header("content-type", "text/html")])
        #expect(found?.code == code)
        #expect(found?.message.contains("\(status)") == true)
    }

    @Test func `a web page with 200 is no answer`() {
        let found = error([HTTP2Header(":status", "200"), HTTP2Header("content-type", "text/html")])
        #expect(found?.code == .unknown)
        #expect(found?.message.contains("text/html") == true)
    }

    @Test func `an end without a status is worth another try`() {
        let found = error([HTTP2Header(":status", "200"), HTTP2Header("content-type", "application/grpc")])
        #expect(found?.code == .unavailable)
        #expect(found?.isRetryable == true)
    }

    @Test func `an unknown status number is UNKNOWN`() {
        let head = [HTTP2Header(":status", "200"), HTTP2Header("content-type", "application/grpc+proto")]
        #expect(error(head + [HTTP2Header("grpc-status", "99")])?.code == .unknown)
    }
}
