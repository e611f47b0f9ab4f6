import Crypto
import Events
import PubSub
import Salesforce
import SalesforceREST

/// Writes into a real org: records by sObject Collections, platform events by the Pub/Sub API.
struct OrgWriter: SalesforceWriter {
    /// When Salesforce says that a limit is reached.
    static let limitHold: Duration = .seconds(300)
    /// When it refuses to sign in.
    static let signInHold: Duration = .seconds(60)

    /// An event that does not fit its schema is worth a look at the schema, if that is older.
    static let freshSchema: Duration = .seconds(60)

    let rest: RESTClient
    let publishers: PublisherCache

    func save(_ kind: SalesforceWrite.Kind, _ writes: [SalesforceWrite]) async -> [AttemptOutcome] {
        if case .publish(let event) = kind { return await publish(event, writes) }
        do throws(RESTError) {
            return try await saved(kind, writes).map(Self.outcome)
        } catch {
            // Something about one of them may have spoilt the call for all.
            guard error.kind == .rejected, writes.count > 1 else {
                return writes.map { _ in Self.outcome(error, isCreation: kind.isCreation) }
            }
        }
        var outcomes: [AttemptOutcome] = []
        for write in writes { outcomes += await save(kind, [write]) }
        return outcomes
    }

    private func saved(
        _ kind: SalesforceWrite.Kind, _ writes: [SalesforceWrite]
    ) async throws(RESTError) -> [RESTClient.SaveResult] {
        switch kind {
        case .create(let object): return try await rest.create(object, writes.map(\.fields))
        case .update(let object): return try await rest.update(object, writes.map { $0.with("Id") })
        case .upsert(let object, let field):
            return try await rest.upsert(object, by: field, writes.map { $0.with(field) })
        case .publish: preconditionFailure("events are published")
        }
    }

    private static func outcome(_ result: RESTClient.SaveResult) -> AttemptOutcome {
        switch result {
        case .saved(let saved):
            .delivered(AttemptNote(status: 200, reason: "\(saved.isCreated ? "created" : "saved") \(saved.id)"))
        case .failed(let error): outcome(error, isCreation: false)
        }
    }

    /// - Parameter isCreation: made twice there would be two.
    static func outcome(_ error: RESTError, isCreation: Bool) -> AttemptOutcome {
        let note = AttemptNote(
            status: error.status == 0 ? nil : error.status, reason: "\(error)",
            possibleDuplicate: isCreation && error.mayHaveBeenDone)
        return switch error.kind {
        case .signIn, .setup: .hold(note, scope: .destination, for: signInHold)
        case .limitReached: .hold(note, scope: .destination, for: error.retryAfter ?? limitHold)
        case .unreachable, .serverBusy, .rowLocked, .queryTimeout: .retry(note, after: error.retryAfter)
        default: .park(note)
        }
    }

    // MARK: Events

    /// At most 36 characters: a longer ID, as a replay's, is hashed, since its beginning is that of the first delivery.
    static func eventID(_ delivery: String) -> String {
        guard delivery.utf8.count > 36 else { return delivery }
        return "sl_" + Hex.encode(Array(SHA256.hash(data: Array(delivery.utf8))).prefix(16))
    }

    /// The delivery's ID is the event's: consumers tell repetitions by it.
    private func publish(_ event: String, _ writes: [SalesforceWrite]) async -> [AttemptOutcome] {
        var outcomes: [Int: AttemptOutcome] = [:]
        do throws(PublishError) {
            var (publisher, user) = try await publishers.publisher("/event/\(event)")
            var encoded = Self.encoded(writes, publisher, user)
            if !encoded.misfits.isEmpty {
                (publisher, user) = try await publishers.publisher("/event/\(event)", maximumAge: Self.freshSchema)
                encoded = Self.encoded(writes, publisher, user)
            }
            for (place, reason) in encoded.misfits { outcomes[place] = .park(AttemptNote(reason: reason)) }
            // Call by call: what one has published stays so if the next one fails.
            while !encoded.events.isEmpty {
                let batch = Publisher.batch(of: encoded.events[...])
                for (place, outcome) in zip(encoded.places, try await publisher.publish(batch)) {
                    outcomes[place] = Self.outcome(outcome)
                }
                encoded.events.removeFirst(batch.count)
                encoded.places.removeFirst(batch.count)
            }
        } catch {
            await publishers.forget("/event/\(event)")
            for place in writes.indices where outcomes[place] == nil { outcomes[place] = Self.outcome(error) }
        }
        return writes.indices.map { outcomes[$0] ?? .retry(AttemptNote(reason: "nothing was said of it"), after: nil) }
    }

    private struct Encoded {
        var events: [ProducerEvent] = []
        /// Of each of them among the writes.
        var places: [Int] = []
        /// What does not fit the schema, and why.
        var misfits: [Int: String] = [:]
    }

    private static func encoded(_ writes: [SalesforceWrite], _ publisher: Publisher, _ user: String) -> Encoded {
        var encoded = Encoded()
        for (place, write) in writes.enumerated() {
            do throws(EventEncodingError) {
                encoded.events.append(try publisher.event(write.fields, id: eventID(write.delivery), createdBy: user))
                encoded.places.append(place)
            } catch {
                encoded.misfits[place] = "\(error)"
            }
        }
        return encoded
    }

    private static func outcome(_ outcome: Publisher.Outcome) -> AttemptOutcome {
        switch outcome {
        case .published(let replayID):
            .delivered(AttemptNote(reason: "published\(replayID.map { ", replay ID \($0)" } ?? "")"))
        case .refused(let reason) where outcome.isOverLimit:
            .hold(AttemptNote(reason: reason), scope: .destination, for: limitHold)
        case .refused(let reason): .park(AttemptNote(reason: reason))
        }
    }

    private static func outcome(_ error: PublishError) -> AttemptOutcome {
        let note = AttemptNote(reason: "\(error)", possibleDuplicate: true)
        switch error {
        case .signIn(let error):
            return error.isRetryable ? .retry(note, after: nil) : .hold(note, scope: .destination, for: signInHold)
        case .call(let failure):
            if case .stopTopic = failure.reaction { return .park(AttemptNote(reason: "\(error)")) }
            return .retry(note, after: nil)
        case .encoding, .setup: return .park(AttemptNote(reason: "\(error)"))
        }
    }
}

extension SalesforceWrite {
    fileprivate func with(_ name: String) -> Fields {
        var fields = fields
        fields[name] = .string(key)
        return fields
    }
}

extension SalesforceWrite.Kind {
    fileprivate var isCreation: Bool {
        if case .create = self { true } else { false }
    }
}

/// What publishing on a topic needs is asked for once.
actor PublisherCache {
    /// Topics; beyond it the cache starts anew.
    static let limit = 100

    private let client: any PubSubConnection
    private let authenticator: Authenticator
    private let time: TimeSource
    private var publishers: [String: (publisher: Publisher, madeAt: Duration)] = [:]

    init(client: any PubSubConnection, authenticator: Authenticator, time: TimeSource) {
        self.client = client
        self.authenticator = authenticator
        self.time = time
    }

    /// - Parameter maximumAge: asks again if what is kept is older.
    /// - Returns: also the user's ID, which the wire asks for.
    func publisher(
        _ topic: String, maximumAge: Duration? = nil
    ) async throws(PublishError) -> (Publisher, userID: String) {
        let user: String
        do throws(SignInError) {
            user = try await authenticator.session().userID ?? "005000000000000AAA"
        } catch {
            throw .signIn(error)
        }
        let now = time.monotonic()
        if let kept = publishers[topic], maximumAge.map({ now - kept.madeAt <= $0 }) ?? true { return (kept.publisher, user) }
        let publisher = try await Publisher(topic: topic, client: client, authenticator: authenticator)
        if publishers.count >= Self.limit { publishers = [:] }
        publishers[topic] = (publisher, now)
        return (publisher, user)
    }

    /// Its schema may be another one by now.
    func forget(_ topic: String) { publishers[topic] = nil }
}
