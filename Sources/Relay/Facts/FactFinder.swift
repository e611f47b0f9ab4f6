import Events
import Logging
import Rules

/// What rules may ask for beyond an event.
package protocol FactSource: Sendable {
    /// - Parameter fields: names; nil is the whole record.
    /// - Returns: nil when there is no such record (any more).
    func record(entity: String, id: String, fields: [String]?) async throws(FactFailure) -> Fields?

    func flows(of owner: FlowOwner) async throws(FactFailure) -> [FlowFacts]
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
/// What cannot be had at the moment is waited for: the topic's events wait with it, in order, and a long wait parks the
/// stream. Nothing is decided on half an answer.
struct FactFinder: Sendable {
    /// An answer can raise another question (a fetched owner, then the owner's flows); no rule can raise more.
    static let maximumRounds = 4
    static let retryBase: Duration = .seconds(1)
    static let retryCeiling: Duration = .seconds(30)

    let source: any FactSource
    let time: TimeSource
    let log: Logger

    /// - Parameter first: what routing gave without answers.
    /// - Throws: `CancellationError` only.
    func complete(_ event: Event, _ first: RoutingResult, by rules: RuleSet) async throws -> RoutingResult {
        var result = first
        var facts = RoutingFacts()
        for _ in 0..<Self.maximumRounds where !result.wants.isEmpty {
            for want in result.wants { try await answer(want, event, &facts) }
            result = rules.route(event, now: time.wall(), facts: facts)
        }
        precondition(result.wants.isEmpty, "every question of a rule has an answer by now")
        return result
    }

    private func answer(_ want: RoutingWant, _ event: Event, _ facts: inout RoutingFacts) async throws {
        switch want {
        case .record(let fields):
            facts.record = try await patiently(event) { () throws(FactFailure) in
                let read = try await source.record(entity: event.entity, id: event.recordID, fields: fields.names)
                return read.map { .read($0) } ?? .gone
            } refused: { .refused($0) }
        case .flows(let owner):
            facts.flows[owner] = try await patiently(event) { () throws(FactFailure) in
                .found(try await source.flows(of: owner))
            } refused: { .refused($0) }
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

extension RecordFields {
    fileprivate var names: [String]? {
        switch self {
        case .all: nil
        case .some(let names): names
        }
    }
}
