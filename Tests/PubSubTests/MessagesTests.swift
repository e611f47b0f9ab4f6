import Events
import PubSub
import Testing

@Suite struct MessagesTests {
    @Test func `the first FetchRequest has the bytes of the wire contract`() {
        let request = FetchRequest(topicName: "/data/ChangeEvents", numRequested: 100)
        #expect(request.encode() == hex("0a122f646174612f4368616e67654576656e74732064"))
    }

    @Test func `a FetchRequest that resumes has the bytes of the wire contract`() {
        let request = FetchRequest(
            topicName: "/data/ChangeEvents", replayPreset: .custom, replayID: ReplayID(hex("00000000001790500000")),
            numRequested: 100)
        #expect(
            request.encode() == hex("0a122f646174612f4368616e67654576656e747310021a0a000000000017905000002064"))
    }

    @Test func `a FetchRequest that only adds credit carries nothing else`() {
        #expect(FetchRequest(numRequested: 100).encode() == hex("2064"))
    }

    @Test func `every message reads back as it was written`() throws {
        let replayID = try #require(ReplayID([0, 0, 0, 0, 0, 23, 144, 80, 0, 0]))
        let response = FetchResponse(
            events: [
                ConsumerEvent(id: "", schemaID: "a", replayID: replayID, payload: []),
                ConsumerEvent(id: "é", schemaID: "b", replayID: replayID, payload: [0, 1, 255]),
            ], latestReplayID: replayID, rpcID: "r", pendingNumRequested: -1)
        #expect(try FetchResponse(decoding: response.encode()) == response)

        let request = FetchRequest(
            topicName: "/event/A__e", replayPreset: .custom, replayID: replayID, numRequested: 7)
        #expect(try FetchRequest(decoding: request.encode()) == request)
        // An enum that is open: replay_preset = -1.
        let unknown: [UInt8] = [0x10] + [UInt8](repeating: 0xFF, count: 9) + [0x01]
        #expect(try FetchRequest(decoding: unknown).replayPreset == .latest)

        let topic = TopicInfo(
            topicName: "t", tenantGUID: "g", canPublish: true, canSubscribe: false, schemaID: "s", rpcID: "r")
        #expect(try TopicInfo(decoding: topic.encode()) == topic)
        #expect(try TopicRequest(decoding: TopicRequest(topicName: "t").encode()).topicName == "t")

        let schema = SchemaInfo(schemaJSON: "{}", schemaID: "s", rpcID: "r")
        #expect(try SchemaInfo(decoding: schema.encode()) == schema)
        #expect(try SchemaRequest(decoding: SchemaRequest(schemaID: "s").encode()).schemaID == "s")

        let publish = PublishRequest(
            topicName: "t", events: [ProducerEvent(id: "1", schemaID: "s", payload: [1])])
        #expect(try PublishRequest(decoding: publish.encode()) == publish)

        let published = PublishResponse(
            results: [
                PublishResult(replayID: replayID, correlationKey: "1"),
                PublishResult(
                    replayID: nil, error: PublishResult.Failure(code: 1, message: "no"), correlationKey: "2"),
            ], schemaID: "s")
        #expect(try PublishResponse(decoding: published.encode()) == published)
    }

    @Test func `unknown fields are ignored`() throws {
        let unknown: [UInt8] = [0x7A, 1, 0x41]
        let topic = TopicInfo(topicName: "t")
        #expect(try TopicInfo(decoding: topic.encode() + unknown) == topic)
    }

    @Test func `an event without a replay ID is refused`() {
        // events { event { schema_id: "s" } }
        #expect(throws: WireFormatError.self) { try FetchResponse(decoding: [0x0A, 5, 0x0A, 3, 0x12, 1, 0x73]) }
    }

    @Test func `a message cut anywhere gives an error or a shorter message, never a crash`() throws {
        let replayID = try #require(ReplayID([1, 2, 3]))
        let bytes = FetchResponse(
            events: (0..<3).map {
                ConsumerEvent(id: "id\($0)", schemaID: "s", replayID: replayID, payload: [1, 2, 3])
            }, latestReplayID: replayID, rpcID: "rpc", pendingNumRequested: 5
        ).encode()
        for end in bytes.indices { _ = try? FetchResponse(decoding: Array(bytes[..<end])) }
        for index in bytes.indices {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << UInt8(bit)
                _ = try? FetchResponse(decoding: flipped)
            }
        }
    }

    @Test func `an event that says itself again and again is refused before it takes much memory`() throws {
        // events { event { headers {} } event { headers {} } … replay_id: 01 }
        func response(repeating count: Int) -> [UInt8] {
            let event = [UInt8]((0..<count).map { _ in [0x0A, 2, 0x22, 0] as [UInt8] }.joined()) + [0x12, 1, 1]
            var length = event.count
            var prefix: [UInt8] = []
            while length >= 0x80 {
                prefix.append(UInt8(length & 0x7F) | 0x80)
                length >>= 7
            }
            return [0x0A] + prefix + [UInt8(length)] + event
        }
        #expect(try FetchResponse(decoding: response(repeating: 2)).events.count == 1)
        #expect(throws: WireFormatError.self) { try FetchResponse(decoding: response(repeating: 20_000)) }
    }

    private func hex(_ text: String) -> [UInt8] {
        stride(from: 0, to: text.count, by: 2).map { offset in
            let start = text.index(text.startIndex, offsetBy: offset)
            return UInt8(text[start..<text.index(start, offsetBy: 2)], radix: 16)!
        }
    }
}
