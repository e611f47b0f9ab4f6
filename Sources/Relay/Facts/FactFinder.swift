import Events
import Logging
import Rules
import Synchronization

/// What rules may ask for beyond an event.
package protocol FactSource: Sendable {
    /// - Parameter fields: names; nil is the whole record.
    /// - Returns: nil when there is no such record (any more).
    func record(entity: String, id: String, fields: [String]?) async throws(FactFailure) -> Fields?

    /// - Parameter received: when the event came that asks, epoch milliseconds.
    func flows(of owner: FlowOwner, received: Int64) async throws(FactFailure) -> [FlowFacts]
}

/// Why something could not be found out.
package struct FactFailure: Error {
    package var reason: String
    /// It may be had later: whoever asked waits. Otherwise the answer stands until somebody mends it.
    package var isTemporary: Bool

    package init(reason: String, isTemporary: Bool) {
        self.reason = reason
        self.isTemporary = isTemporary
    }
}

/// Routes events whose rules ask for more than the event tells.
///
/// A record that cannot be read at the moment is left to the lanes that need it, where deliveries can wait alone
/// (`Patience.defers`). Everything else is waited for: the topic's events wait with it, in order, and a long wait parks the
/// stream. Nothing is decided on half an answer.
package struct FactFinder: Sendable {
    /// An answer can raise another question (a fetched owner, then the owner's flows); no rule can raise more.
    static let maximumRounds = 4
    static let retryBase: Duration = .seconds(1)
    static let retryCeiling: Duration = .seconds(30)

    /// What to do about an answer that cannot be had now.
    enum Patience {
        case waits
        /// What can wait in its lane is deferred, the rest is waited for.
        case defers
        /// What can wait in its lane is deferred, the rest taken for refused.
        case never
    }

    /// What a stream waits for one record before its lane does; a call that fails is repeated for longer than that.
    static let readPatience: Duration = .seconds(3)

    let source: any FactSource
    let time: TimeSource
    let log: Logger
    private let reads = ReadGate()

    package init(source: any FactSource, time: TimeSource, log: Logger) {
        self.source = source
        self.time = time
        self.log = log
    }

    /// - Parameters:
    ///   - first: what routing gave with those answers.
    ///   - known: answers that are there already.
    ///   - patience: with `.waits` nothing is deferred.
    /// - Throws: `CancellationError` only.
    func complete(
        _ event: Event, _ first: RoutingResult, by rules: RuleSet, known: RoutingFacts = RoutingFacts(),
        _ patience: Patience = .waits
    ) async throws -> RoutingResult {
        var result = first
        var facts = known
        var fields: RecordFields?
        // One round more, since something may turn out to be unable to wait alone.
        for _ in 0...Self.maximumRounds where !result.wants.isEmpty {
            for want in Self.united(result.wants, &fields) { try await answer(want, event, &facts, patience) }
            result = rules.route(event, now: time.wall(), facts: facts)
        }
        precondition(result.wants.isEmpty, "every question of a rule has an answer by now")
        return result
    }

    /// Rules may want different fields of the record: one read answers all of them, and what was asked for before.
    ///
    /// - Parameter fields: of the record, by earlier rounds.
    private static func united(_ wants: [RoutingWant], _ fields: inout RecordFields?) -> [RoutingWant] {
        var others: [RoutingWant] = []
        var isAsked = false
        for want in wants {
            guard case .record(let more) = want else {
                others.append(want)
                continue
            }
            isAsked = true
            fields = fields?.united(with: more) ?? more
        }
        guard isAsked, let fields else { return others }
        return [.record(fields)] + others
    }

    private func answer(
        _ want: RoutingWant, _ event: Event, _ facts: inout RoutingFacts, _ patience: Patience
    ) async throws {
        switch want {
        case .record(let fields):
            @Sendable func read() async throws(FactFailure) -> RoutingFacts.Record {
                let read = try await source.record(entity: event.entity, id: event.recordID, fields: fields.names)
                return read.map { .read($0) } ?? .gone
            }
            switch (patience, facts.record) {
            case (.never, .later(let reason)): facts.record = .refused(reason)
            case (.waits, _), (.defers, .later): facts.record = try await patiently(event, read) { .refused($0) }
            case (.never, _): facts.record = try await once(read) { $1 ? .later($0) : .refused($0) }
            case (.defers, _): facts.record = try await soon(read)
            }
        case .flows(let owner):
            func list() async throws(FactFailure) -> RoutingFacts.Flows {
                .found(try await source.flows(of: owner, received: event.receivedAt))
            }
            facts.flows[owner] =
                patience == .never
                ? try await once(list) { reason, _ in .refused(reason) }
                : try await patiently(event, list) { .refused($0) }
        }
    }

    /// Does not hold a stream up for long, nor for every record while none can be read.
    private func soon(
        _ read: @escaping @Sendable () async throws(FactFailure) -> RoutingFacts.Record
    ) async throws -> RoutingFacts.Record {
        if let reason = reads.closedFor(time.monotonic()) { return .later(reason) }
        let answer = try await once {
            () async throws(FactFailure) in try await timely(read)
        } failed: { $1 ? .later($0) : .refused($0) }
        if case .later(let reason) = answer {
            reads.close(for: reason, now: time.monotonic())
        } else {
            reads.open()
        }
        return answer
    }

    private func timely(
        _ read: @escaping @Sendable () async throws(FactFailure) -> RoutingFacts.Record
    ) async throws(FactFailure) -> RoutingFacts.Record {
        let time = time
        let answer = await withTaskGroup(of: Result<RoutingFacts.Record, FactFailure>.self) { group in
            group.addTask {
                do throws(FactFailure) { return .success(try await read()) } catch { return .failure(error) }
            }
            group.addTask {
                try? await time.sleep(Self.readPatience)
                return .failure(FactFailure(reason: "Salesforce did not give a record in time", isTemporary: true))
            }
            let first = await group.next()!
            group.cancelAll()
            return first
        }
        return try answer.get()
    }

    /// - Parameter failed: with the reason, and whether it passes.
    private func once<Answer>(
        _ ask: () async throws(FactFailure) -> Answer, failed: (String, Bool) -> Answer
    ) async throws -> Answer {
        do throws(FactFailure) {
            return try await ask()
        } catch {
            try Task.checkCancellation()
            return failed(error.reason, error.isTemporary)
        }
    }

    private func patiently<Answer>(
        _ event: Event, _ ask: () async throws(FactFailure) -> Answer, refused: (String) -> Answer
    ) async throws -> Answer {
        var wait = Self.retryBase
        var isWaiting = false
        while true {
            do throws(FactFailure) {
                let answer = try await ask()
                if isWaiting { log.notice("got the answer; events go on", metadata: ["topic": "\(event.topic)"]) }
                return answer
            } catch {
                try Task.checkCancellation()
                guard error.isTemporary else { return refused(error.reason) }
                if !isWaiting {
                    log.warning(
                        "\(error.reason); the events of this topic wait, and it is tried again",
                        metadata: ["topic": "\(event.topic)", "replayId": "\(event.replayID)"])
                }
                isWaiting = true
            }
            try await time.sleep(wait)
            wait = min(wait * 2, Self.retryCeiling)
        }
    }
}

/// Records cannot be read for now: the next look is worth it after a while, and after a longer one each time. What is
/// deferred meanwhile does not wait for that: its lane asks by itself.
private final class ReadGate: Sendable {
    static let rest: Duration = .seconds(5)
    static let longestRest: Duration = .seconds(60)

    private struct State {
        var until: Duration = .zero
        var rest = ReadGate.rest
        var reason = ""
    }

    private let state = Mutex(State())

    func close(for reason: String, now: Duration) {
        state.withLock { state in
            // Reads that failed beside the first one say nothing new.
            guard now >= state.until else { return }
            state = State(until: now + state.rest, rest: min(state.rest * 2, Self.longestRest), reason: reason)
        }
    }

    func open() { state.withLock { $0 = State() } }

    /// Why there is no point in asking; nil if there is.
    func closedFor(_ now: Duration) -> String? { state.withLock { now < $0.until ? $0.reason : nil } }
}

extension RecordFields {
    fileprivate func united(with other: RecordFields) -> RecordFields {
        guard case .some(let mine) = self, case .some(let others) = other else { return .all }
        return .some(Set(mine).union(others).sorted())
    }

    fileprivate var names: [String]? {
        switch self {
        case .all: nil
        case .some(let names): names
        }
    }
}
