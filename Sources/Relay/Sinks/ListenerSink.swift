import Curl
import Events
import IntegratorIO
import Synchronization

/// Sends deliveries to the listeners (webhook exports) of one integrator.io account.
package struct ListenerSink: Sink {
    /// A listener with its secrets at hand.
    struct Ready: Sendable {
        var request: ListenerRequest
        var signer: RequestSigner?
        /// The agreed `pathToRecords`; nil when a post is one record.
        var records: String?
        /// What must not show up in an excerpt; its URL is among them.
        var secrets: [Secret]
    }

    /// Posts of one attempt, at most; the rest of a batch goes in the next one.
    static let maximumPosts = 10

    private let listeners: [String: Ready]
    private let timeout: Duration
    private let connection: ConnectionOptions
    private let calls: HTTPSink
    /// Nil: nobody looks whether what is posted is taken.
    private let watch: ListenerWatch?
    private let progress = BatchProgress()

    init(
        listeners: [String: Ready], timeout: Duration, connection: ConnectionOptions, calls: HTTPSink,
        watch: ListenerWatch? = nil
    ) {
        self.listeners = listeners
        self.timeout = timeout
        self.connection = connection
        self.calls = calls
        self.watch = watch
    }

    package nonisolated(nonsending) func attempt(_ delivery: Delivery, number: Int) async -> AttemptOutcome {
        guard case .listener(let name) = delivery.target else {
            return .park(AttemptNote(reason: "this delivery is for no listener of integrator.io"))
        }
        guard let listener = listeners[name] else {
            let note = AttemptNote(reason: "the destination has no listener named \(name); add it to its rule file")
            return .hold(note, scope: .target, for: nil)
        }
        if let obstacle = await watch?.obstacle(name) {
            var note = AttemptNote(reason: obstacle)
            note.receiverWasAsked = false
            return .hold(note, scope: .target, for: nil)
        }
        let outcome = await send(delivery, listener, number)
        if case .delivered = outcome { await watch?.posted(name) }
        return await explained(outcome, name)
    }

    /// An answer that may come of a flow that takes nothing is no judgement on the delivery, if that is so.
    private nonisolated(nonsending) func explained(_ outcome: AttemptOutcome, _ name: String) async -> AttemptOutcome {
        let note = outcome.note
        guard let status = note.status, [404, 409, 422].contains(status), let obstacle = await watch?.doubt(name) else {
            return outcome
        }
        let held = AttemptNote(
            status: status, reason: "\(note.reason); \(obstacle)", excerpt: note.excerpt, headers: note.headers)
        return .hold(held, scope: .target, for: nil)
    }

    private nonisolated(nonsending) func send(_ delivery: Delivery, _ listener: Ready, _ number: Int) async -> AttemptOutcome {
        let batch = listener.records.flatMap { ListenerBatch(delivery.body, at: $0) }
        if let batch, batch.wantsSplitting || progress.knows(delivery.id) {
            return await send(batch, atMost: ListenerBatch.maximumRecords, delivery, listener, number)
        }
        let outcome = await post(delivery.body, delivery, delivery.id, listener, number)
        // 413: it is too much for one post.
        guard let batch, batch.count > 1, outcome.note.status == 413 else { return outcome }
        return await send(batch, atMost: (batch.count + 1) / 2, delivery, listener, number)
    }

    // MARK: Batches

    /// Sends a batch in several posts, from where the last attempt stopped.
    private nonisolated(nonsending) func send(
        _ batch: ListenerBatch, atMost limit: Int, _ delivery: Delivery, _ listener: Ready, _ number: Int
    ) async -> AttemptOutcome {
        var limit = limit
        var posts = 0
        let body = delivery.body.hashValue
        while true {
            let start = progress.done(of: delivery.id, body: body)
            let part = batch.part(from: start, atMost: limit)
            if posts > 0 { for budget in calls.budgets { await budget.pass(calls.environment.clock) } }
            let outcome = await post(part.body, delivery, "\(delivery.id)-\(start)", listener, number)
            posts += 1
            if case .delivered(let note) = outcome {
                guard part.next < batch.count else {
                    progress.forget(delivery.id)
                    return outcome
                }
                progress.reached(part.next, of: delivery.id, body: body)
                guard posts < Self.maximumPosts else {
                    // As much as one attempt may take, all of it accepted: that is no failure that counts.
                    var note = rest(note, part.next, batch)
                    note.receiverWasAsked = false
                    return .retry(note, after: .zero)
                }
            } else if outcome.note.status == 413, part.next - start > 1 {
                limit = (part.next - start) / 2
                guard posts < Self.maximumPosts else {
                    var note = rest(outcome.note, start, batch)
                    note.receiverWasAsked = false
                    return .retry(note, after: .zero)
                }
            } else {
                // What was taken is remembered: if this is sent again as it is, it goes on from here.
                guard start > 0 else { return outcome }
                return outcome.saying("\(start) of \(batch.count) records were taken before")
            }
        }
    }

    private func rest(_ note: AttemptNote, _ sent: Int, _ batch: ListenerBatch) -> AttemptNote {
        AttemptNote(
            status: note.status, reason: "\(sent) of \(batch.count) records are sent; the rest follows",
            excerpt: note.excerpt)
    }

    // MARK: One post

    private nonisolated(nonsending) func post(
        _ rendered: [UInt8], _ delivery: Delivery, _ id: String, _ listener: Ready, _ number: Int
    ) async -> AttemptOutcome {
        let body: [UInt8]
        do {
            body = try listener.request.body(rendered)
        } catch {
            return .park(AttemptNote(reason: error.description))
        }
        let timestamp = calls.timestamp
        var headers =
            HTTPSink.identity(delivery, timestamp: timestamp, part: id)
            + [HTTPRequest.Header("User-Agent", calls.environment.userAgent)]
        if let signer = listener.signer { headers.append(signer.header(id: id, timestamp: timestamp, body: body)) }
        let request = listener.request.request(body: body, headers: headers, timeout: timeout, connection: connection)
        do {
            let response = try await calls.send(request)
            return outcome(ListenerOutcome.judge(response), response, listener)
        } catch {
            return outcome(ListenerOutcome.judge(error), nil, listener)
        }
    }

    private func outcome(_ judged: ListenerOutcome, _ response: HTTPResponse?, _ listener: Ready) -> AttemptOutcome {
        var note = calls.note(
            response, judged.reason, possibleDuplicate: judged.unknown, hiding: listener.secrets)
        if judged.action == .retryFewTimes { note.mostInARow = ListenerOutcome.fewTimes }
        return switch judged.action {
        case .delivered: .delivered(note)
        case .park: .park(note)
        case .retry, .retryFewTimes: .retry(note, after: calls.retryAfter(response))
        case .slowDown: .hold(note, scope: .destination, for: calls.slowDown(response))
        case .holdListener: .hold(note, scope: .target, for: nil)
        case .holdDestination: .hold(note, scope: .destination, for: nil)
        }
    }
}

/// How many records of batches that go in several posts were taken. Not kept over a restart: then a batch is sent again
/// from its start, each post under the ID it had.
private final class BatchProgress: Sendable {
    /// Batches; when there are more, all begin anew.
    static let maximumBatches = 1_000

    private struct Done {
        /// Hash of the body that they are in: an operator may give a delivery another one, of which nothing was sent.
        var body: Int
        var records: Int
    }

    private let batches = Mutex<[String: Done]>([:])

    func knows(_ id: String) -> Bool { batches.withLock { $0[id] != nil } }

    func done(of id: String, body: Int) -> Int {
        batches.withLock { batches in
            guard let done = batches[id], done.body == body else { return 0 }
            return done.records
        }
    }

    func reached(_ records: Int, of id: String, body: Int) {
        batches.withLock { batches in
            if batches.count >= Self.maximumBatches, batches[id] == nil { batches.removeAll() }
            batches[id] = Done(body: body, records: records)
        }
    }

    func forget(_ id: String) { batches.withLock { $0[id] = nil } }
}
