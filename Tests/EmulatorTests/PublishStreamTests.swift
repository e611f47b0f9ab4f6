import PubSub
import Testing

@testable import Emulator

@Suite struct PublishStreamTests {
    private var stream = PublishStream(now: .seconds(5))

    @Test mutating func `the first request names the topic, and later ones need not`() throws {
        let first = PublishRequest(topicName: "/event/A__e", events: [])
        #expect(try stream.accept(first, now: .zero) == first)
        #expect(try stream.accept(PublishRequest(topicName: "", events: []), now: .zero) == first)
        #expect(throws: PubSubFailure.publishTopicMismatch(first: "/event/A__e", now: "/event/B__e")) {
            try stream.accept(PublishRequest(topicName: "/event/B__e", events: []), now: .zero)
        }
    }

    @Test mutating func `seventy seconds without a request are too many`() throws {
        #expect(!stream.isIdle(now: .seconds(74)) && stream.isIdle(now: .seconds(75)))
        _ = try stream.accept(PublishRequest(topicName: "/event/A__e", events: []), now: .seconds(70))
        #expect(stream.deadline == .seconds(140))
    }
}
