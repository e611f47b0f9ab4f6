import Events
import PubSub

/// Publishes platform events on one topic, by unary calls: of these it is known which were accepted.
package struct Publisher: Sendable {
    /// Salesforce advises at most these in one request.
    static let maximumEvents = 200
    static let maximumBytes = 3 << 20

    package enum Outcome: Sendable, Equatable {
        case published(ReplayID?)
        case refused(String)

        /// Refused for a limit of the org, which passes, and not for what the event is.
        package var isOverLimit: Bool {
            if case .refused(let reason) = self { reason.contains("LIMIT_EXCEEDED") } else { false }
        }
    }

    package let topic: TopicInfo
    private let encoder: EventEncoder
    private let client: any PubSubConnection
    private let authenticator: Authenticator
    private let time: TimeSource

    /// Asks for the topic and its schema.
    ///
    /// - Throws: `PublishError`
    package init(
        topic name: String, client: any PubSubConnection, authenticator: Authenticator, time: TimeSource = .system
    ) async throws(PublishError) {
        let calls = RenewingCalls(authenticator: authenticator)
        topic = try await calls.perform { session throws(StreamFailure) in try await client.topic(name, session) }
        guard topic.canPublish else {
            throw .setup(
                SetupError(
                    "\(name) cannot be published to",
                    fix: "Only platform events can; the user needs Create on the event, by a permission set."))
        }
        let id = topic.schemaID
        let schema = try await calls.perform { session throws(StreamFailure) in try await client.schema(id, session) }
        do throws(EventEncodingError) {
            encoder = try EventEncoder(schemaJSON: schema.schemaJSON)
        } catch {
            throw .encoding(error)
        }
        self.client = client
        self.authenticator = authenticator
        self.time = time
    }

    /// An event's fields become bytes; `CreatedDate` and `CreatedById` are filled in, since the wire asks for them.
    ///
    /// - Parameter id: the publisher's own, at most 36 characters; consumers tell repetitions by it.
    package func event(_ fields: Fields, id: String, createdBy userID: String) throws(EventEncodingError)
        -> ProducerEvent
    {
        var fields = fields
        if fields["CreatedDate"] == nil { fields["CreatedDate"] = .timestamp(time.wall()) }
        if fields["CreatedById"] == nil { fields["CreatedById"] = .string(userID) }
        return ProducerEvent(id: id, schemaID: topic.schemaID, payload: try encoder.payload(fields))
    }

    /// One outcome for each event, in their order.
    package func publish(_ events: [ProducerEvent]) async throws(PublishError) -> [Outcome] {
        var outcomes: [Outcome] = []
        var rest = events[...]
        while !rest.isEmpty {
            let batch = Self.batch(of: rest)
            rest = rest.dropFirst(batch.count)
            outcomes += try await send(batch)
        }
        return outcomes
    }

    private func send(_ batch: [ProducerEvent]) async throws(PublishError) -> [Outcome] {
        let request = PublishRequest(topicName: topic.topicName, events: batch)
        let response = try await RenewingCalls(authenticator: authenticator).perform { session throws(StreamFailure) in
            try await client.publish(request, session)
        }
        guard response.results.count == batch.count else {
            throw .call(
                StreamFailure(
                    reaction: .reconnect(minimum: .zero),
                    reason: "\(response.results.count) results for \(batch.count) events", rpcID: response.rpcID))
        }
        return response.results.map { $0.error.map { .refused($0.message) } ?? .published($0.replayID) }
    }

    /// The first of them, as many as one call takes.
    package static func batch(of events: ArraySlice<ProducerEvent>) -> [ProducerEvent] {
        var bytes = 0
        let fitting = events.prefix(maximumEvents).prefix { event in
            bytes += event.payload.count + event.schemaID.utf8.count + event.id.utf8.count + 16
            return bytes <= maximumBytes
        }
        // One that is too large by itself goes alone, and Salesforce says so.
        return Array(fitting.isEmpty ? events.prefix(1) : fitting)
    }
}

/// Why nothing, or not everything, was published.
package enum PublishError: Error, Sendable, CustomStringConvertible {
    case signIn(SignInError)
    case call(StreamFailure)
    case encoding(EventEncodingError)
    case setup(SetupError)

    package var description: String {
        switch self {
        case .signIn(let error): "\(error)"
        case .call(let failure):
            if case .stopTopic(let fix) = failure.reaction { "\(failure). \(fix)" } else { "\(failure)" }
        case .encoding(let error): "\(error)"
        case .setup(let error): "\(error)"
        }
    }
}

/// A call that was refused for its session is made once more with a new one.
package struct RenewingCalls: Sendable {
    private let authenticator: Authenticator

    package init(authenticator: Authenticator) { self.authenticator = authenticator }

    package func perform<Answer>(
        _ call: (Session) async throws(StreamFailure) -> Answer
    ) async throws(PublishError) -> Answer {
        let session = try await session(after: nil)
        do throws(StreamFailure) {
            return try await call(session)
        } catch {
            guard error.reaction == .renewSession else { throw .call(error) }
        }
        let renewed = try await self.session(after: session)
        do throws(StreamFailure) { return try await call(renewed) } catch { throw .call(error) }
    }

    private func session(after refused: Session?) async throws(PublishError) -> Session {
        do throws(SignInError) {
            guard let refused else { return try await authenticator.session() }
            return try await authenticator.renewed(after: refused)
        } catch {
            throw .signIn(error)
        }
    }
}
