import HTTP2
import Testing

@Suite struct HTTP2SessionTests {
    static let request = [
        HTTP2Header(":method", "POST"), HTTP2Header(":scheme", "http"), HTTP2Header(":path", "/a"),
        HTTP2Header(":authority", "localhost"), HTTP2Header("accesstoken", "secret"),
    ]

    @Test func `a request and its answer pass through, split at any byte`() throws {
        for size in [1, 2, 3, 5, 7, 9, 64, 1 << 20] {
            let pair = Pair()
            let stream = try pair.client.request(Self.request)
            pair.client.append(Array("hello".utf8), to: stream)
            pair.client.endBody(of: stream)
            try pair.exchange(chunk: size)
            #expect(pair.serverEvents.contains(.headers(streamID: stream, Self.request)))
            #expect(pair.serverEvents.data(of: stream) == Array("hello".utf8))
            #expect(pair.serverEvents.contains(.ended(streamID: stream)))

            pair.server.respond([HTTP2Header(":status", "200")], on: stream)
            pair.server.append(Array("wor".utf8), to: stream)
            pair.server.append(Array("ld".utf8), to: stream)
            pair.server.finish(stream, trailers: [HTTP2Header("grpc-status", "0")])
            try pair.exchange(chunk: size)
            #expect(pair.clientEvents.data(of: stream) == Array("world".utf8))
            #expect(pair.clientEvents.contains(.headers(streamID: stream, [HTTP2Header("grpc-status", "0")])))
            #expect(pair.clientEvents.last == .closed(streamID: stream, code: .noError, byPeer: false))
        }
    }

    @Test func `a body may pause and go on`() throws {
        let pair = Pair()
        let stream = try pair.client.request(Self.request)
        try pair.exchange()
        pair.client.append([1], to: stream)
        try pair.exchange()
        pair.client.append([2, 3], to: stream)
        try pair.exchange()
        #expect(pair.serverEvents.data(of: stream) == [1, 2, 3])
        #expect(!pair.serverEvents.contains(.ended(streamID: stream)))
    }

    @Test func `an unread stream holds no more than its window, and goes on when read`() throws {
        var limits = HTTP2Limits()
        limits.streamWindow = 100_000
        let pair = Pair(clientLimits: limits)
        let stream = try pair.client.request(Self.request)
        try pair.exchange()
        pair.server.respond([HTTP2Header(":status", "200")], on: stream)
        pair.server.append([UInt8](repeating: 7, count: 250_000), to: stream)
        try pair.exchange()
        #expect(pair.clientEvents.data(of: stream).count == 100_000)
        #expect(pair.server.unsentBytes(on: stream) == 150_000)
        pair.client.consumed(100_000, on: stream)
        try pair.exchange()
        #expect(pair.clientEvents.data(of: stream).count == 200_000)
    }

    @Test func `an unread stream does not hold up another`() throws {
        var limits = HTTP2Limits()
        limits.streamWindow = 1 << 20
        limits.connectionWindow = 1 << 20
        let pair = Pair(clientLimits: limits)
        let streams = try (0..<3).map { _ in try pair.client.request(Self.request) }
        try pair.exchange()
        for stream in streams {
            pair.server.respond([HTTP2Header(":status", "200")], on: stream)
            pair.server.append([UInt8](repeating: 7, count: 1 << 20), to: stream)
        }
        try pair.exchange()
        #expect(streams.map { pair.clientEvents.data(of: $0).count } == [1 << 20, 1 << 20, 1 << 20])
    }

    @Test func `requests above the server's limit wait for their turn, and not for ever more of them`() throws {
        var serverLimits = HTTP2Limits()
        serverLimits.concurrentStreams = 2
        var clientLimits = HTTP2Limits()
        clientLimits.concurrentStreams = 4
        let pair = Pair(clientLimits: clientLimits, serverLimits: serverLimits)
        try pair.exchange()
        let streams = try (0..<4).map { _ in try pair.client.request(Self.request) }
        #expect(throws: HTTP2Error.self) { try pair.client.request(Self.request) }
        try pair.exchange()
        #expect(pair.serverEvents.requests == Array(streams[..<2]))
        pair.client.reset(streams[3], code: .cancel)
        pair.client.reset(streams[0], code: .cancel)
        try pair.exchange()
        #expect(pair.serverEvents.requests == Array(streams[..<3]))
        #expect(pair.serverEvents.contains(.closed(streamID: streams[0], code: .cancel, byPeer: true)))
    }

    @Test func `a reset carries its code, NO_ERROR too`() throws {
        for code in [HTTP2ErrorCode.noError, .refusedStream, .enhanceYourCalm] {
            let pair = Pair()
            let stream = try pair.client.request(Self.request)
            try pair.exchange()
            pair.server.reset(stream, code: code)
            try pair.exchange()
            #expect(pair.clientEvents.contains(.closed(streamID: stream, code: code, byPeer: true)))
        }
    }

    @Test func `GOAWAY refuses later streams, and lets earlier ones finish`() throws {
        let pair = Pair()
        let first = try pair.client.request(Self.request)
        try pair.exchange()
        pair.server.goAway(code: .enhanceYourCalm, debug: "too_many_pings")
        let second = try pair.client.request(Self.request)
        try pair.exchange()
        let farewell = HTTP2Event.goAway(lastStreamID: first, code: .enhanceYourCalm, debug: "too_many_pings")
        #expect(pair.clientEvents.contains(farewell))
        #expect(pair.clientEvents.contains(.closed(streamID: second, code: .refusedStream, byPeer: false)))
        pair.server.respondWithoutBody([HTTP2Header(":status", "204")], on: first)
        pair.client.endBody(of: first)
        try pair.exchange()
        #expect(pair.clientEvents.contains(.closed(streamID: first, code: .noError, byPeer: false)))
        #expect(pair.client.isFinished)
    }

    @Test func `a PING is answered`() throws {
        let pair = Pair()
        pair.client.ping(0x0102_0304_0506_0708)
        try pair.exchange()
        #expect(pair.clientEvents.contains(.pingAcknowledged(0x0102_0304_0506_0708)))
    }

    @Test func `headers above the limit reset the stream and leave the connection`() throws {
        var limits = HTTP2Limits()
        limits.headerListBytes = 2000
        let pair = Pair(serverLimits: limits)
        let long = try pair.client.request(
            Self.request + (0..<10).map { HTTP2Header("x-long-\($0)", String(repeating: "ä", count: 150)) })
        let short = try pair.client.request(Self.request)
        try pair.exchange()
        #expect(pair.clientEvents.contains(.closed(streamID: long, code: .internalError, byPeer: true)))
        #expect(pair.serverEvents.requests == [short])
    }

    @Test func `interim answers are left out`() throws {
        let pair = Pair()
        let stream = try pair.client.request(Self.request)
        try pair.exchange()
        // HEADERS with `:status 103`, as the server's session cannot send it.
        let interim = [0, 0, 5, 1, 4, 0, 0, 0, UInt8(stream), 0x08, 3] + Array("103".utf8)
        pair.clientEvents += try pair.client.receive(interim)
        #expect(pair.clientEvents == [.settings])
        pair.server.respond([HTTP2Header(":status", "200")], on: stream)
        try pair.exchange()
        #expect(pair.clientEvents.filter { if case .headers = $0 { true } else { false } }.count == 1)
    }

    @Test func `an HTTP/1 server is told apart`() throws {
        let client = ClientSession()
        _ = try client.bytesToSend()
        _ = try? client.receive(Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8))
        while try !client.bytesToSend().isEmpty {}
        #expect(client.isFinished)
        #expect(client.failure?.reason.contains("SETTINGS") == true)
    }

    @Test func `descriptions name headers without their values`() {
        #expect("\(Self.request)".contains("accesstoken"))
        #expect(!"\(Self.request)".contains("secret"))
    }
}

@Suite struct HTTP2FuzzTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64]) func `no bytes crash either side`(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        for _ in 0..<400 {
            let pair = Pair()
            let stream = try pair.client.request(HTTP2SessionTests.request)
            pair.client.append([1, 2, 3], to: stream)
            var toServer = try pair.client.bytesToSend()
            _ = try pair.server.receive(toServer)
            pair.server.respond([HTTP2Header(":status", "200")], on: stream)
            pair.server.append([UInt8](repeating: 1, count: 300), to: stream)
            var toClient = try pair.server.bytesToSend()
            random.damage(&toClient)
            random.damage(&toServer)
            feed(toClient) { _ = try pair.client.receive($0) } flush: { _ = try pair.client.bytesToSend() }
            let fresh = ServerSession()
            feed(toServer) { _ = try fresh.receive($0) } flush: { _ = try fresh.bytesToSend() }
        }
    }

    private func feed(_ bytes: [UInt8], _ receive: ([UInt8]) throws -> Void, flush: () throws -> Void) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard (try? receive(Array(rest.prefix(17)))) != nil, (try? flush()) != nil else { return }
            rest = rest.dropFirst(17)
        }
    }
}
