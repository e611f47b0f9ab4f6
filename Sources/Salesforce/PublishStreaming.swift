import Events
import GRPC
import PubSub

/// Publishes on one PublishStream call: several requests are on their way at once, so that many events go faster than by
/// unary calls. Of a call that breaks it is not known which of its open requests were accepted: their events are
/// reported as `unknown`, and consumers tell repetitions by the events' IDs.
package actor PublishStreaming {
    /// Requests without an answer.
    static let maximumOpen = 4
    /// Salesforce closes an idle stream after 70 s: it is closed here before, and opened anew for the next event.
    static let idle: Duration = .seconds(50)

    package enum Outcome: Sendable, Equatable {
        case known(Publisher.Outcome)
        /// The call broke before it was answered.
        case unknown(String)
    }

    private struct Open {
        let stream: GRPCStream
        var lastUse: Duration
    }

    private let topic: TopicInfo
    private let client: PubSubClient
    private let authenticator: Authenticator
    private let time: TimeSource
    private var open: Open?
    /// Events of each request that has no answer, in order.
    private var waiting: [Int] = []

    package init(_ publisher: Publisher, client: PubSubClient, authenticator: Authenticator, time: TimeSource = .system) {
        topic = publisher.topic
        self.client = client
        self.authenticator = authenticator
        self.time = time
    }

    /// - Returns: outcomes of earlier events, in their order, as far as they are known by now.
    package func publish(_ events: [ProducerEvent]) async throws(PublishError) -> [Outcome] {
        var outcomes: [Outcome] = []
        var rest = events[...]
        while !rest.isEmpty {
            let batch = Publisher.batch(of: rest)
            rest = rest.dropFirst(batch.count)
            while waiting.count >= Self.maximumOpen { outcomes += try await answer() }
            outcomes += try await send(batch)
        }
        return outcomes
    }

    /// Everything that has no answer yet.
    package func finish() async throws(PublishError) -> [Outcome] {
        var outcomes: [Outcome] = []
        while !waiting.isEmpty { outcomes += try await answer() }
        if let stream = open?.stream {
            await stream.finishSending()
            await stream.cancel()
        }
        open = nil
        return outcomes
    }

    private func send(_ batch: [ProducerEvent]) async throws(PublishError) -> [Outcome] {
        if let open, waiting.isEmpty, time.monotonic() - open.lastUse > Self.idle {
            await open.stream.cancel()
            self.open = nil
        }
        let stream = try await stream()
        let request = PublishRequest(topicName: topic.topicName, events: batch)
        waiting.append(batch.count)
        do throws(GRPCError) {
            try await stream.send(request.encode())
            open?.lastUse = time.monotonic()
            return []
        } catch {
            return broken(StreamFailure(error))
        }
    }

    private func stream() async throws(PublishError) -> GRPCStream {
        if let open { return open.stream }
        let client = client
        let stream = try await RenewingCalls(authenticator: authenticator).perform { session throws(StreamFailure) in
            try await client.publishStream(session)
        }
        open = Open(stream: stream, lastUse: time.monotonic())
        return stream
    }

    private func answer() async throws(PublishError) -> [Outcome] {
        guard let stream = open?.stream, let count = waiting.first else { return [] }
        let message: [UInt8]?
        do throws(GRPCError) {
            message = try await stream.next()
        } catch {
            let failure = StreamFailure(error)
            // Nothing of this will be better next time, and nothing was accepted.
            if case .stopTopic = failure.reaction { throw .call(failure) }
            return broken(failure)
        }
        guard let message else {
            return broken(StreamFailure(reaction: .reconnect(minimum: .zero), reason: "the server ended the call"))
        }
        let response: PublishResponse
        do throws(StreamFailure) {
            response = try decoded { () throws(WireFormatError) in try PublishResponse(decoding: message) }
        } catch {
            return broken(error)
        }
        guard response.results.count == count else {
            return broken(
                StreamFailure(
                    reaction: .reconnect(minimum: .zero),
                    reason: "\(response.results.count) results for \(count) events", rpcID: response.rpcID))
        }
        waiting.removeFirst()
        open?.lastUse = time.monotonic()
        return response.results.map { .known($0.error.map { .refused($0.message) } ?? .published($0.replayID)) }
    }

    private func broken(_ failure: StreamFailure) -> [Outcome] {
        let count = waiting.reduce(0, +)
        waiting = []
        open = nil
        return Array(repeating: .unknown("\(failure)"), count: count)
    }
}
