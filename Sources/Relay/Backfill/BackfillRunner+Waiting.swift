import Events
import Rules
import SalesforceREST
import Store

/// How long a backfill waits for Salesforce. No clock.
struct BackfillPatience {
    static let base: Duration = .seconds(1)
    static let ceiling: Duration = .seconds(300)
    /// One failure or two are nothing that anybody needs to hear of.
    static let quietFailures = 2

    private var wait = base
    private var failures = 0

    /// Whether the last failure was the first that is worth a line.
    func isNews(_ error: RESTError) -> Bool {
        failures == (error.isRetryable && error.kind != .limitReached ? Self.quietFailures + 1 : 1)
    }

    /// Nil: waiting does not help.
    mutating func next(after error: RESTError) -> Duration? {
        guard Self.helps(error) else { return nil }
        failures += 1
        defer { wait = min(wait * 2, Self.ceiling) }
        return max(wait, error.retryAfter ?? .zero)
    }

    static func helps(_ error: RESTError) -> Bool {
        error.isRetryable || error.kind == .signIn || error.kind == .limitReached || error.kind == .cancelled
    }
}

/// Salesforce knows one of the fields no longer.
struct FieldRefused: Error {
    let error: RESTError
}

extension BackfillRunner {
    /// Between tries of a store that cannot be written.
    static let storeRetry: Duration = .seconds(5)

    /// Asks until there is an answer that waiting does not change.
    func asking<Answer: Sendable>(
        _ body: @Sendable () async throws(RESTError) -> Answer
    ) async throws -> Answer {
        var patience = BackfillPatience()
        while true {
            do throws(RESTError) {
                return try await body()
            } catch {
                try await pause(error, &patience)
            }
        }
    }

    func pause(_ error: RESTError, _ patience: inout BackfillPatience) async throws {
        try Task.checkCancellation()
        guard let wait = patience.next(after: error) else {
            if error.code == "INVALID_FIELD" { throw FieldRefused(error: error) }
            throw ReplayFailure("\(error)")
        }
        tracker.waits("\(error)")
        if patience.isNews(error) { log.warning("\(error); the \(plan.title) waits, and goes on where it was") }
        try await parts.time.sleep(wait)
    }

    /// Marks go before what they mark, for the rules of which every destination has it: older events of a record are kept
    /// from a marked rule as a whole, and a destination that was left out (`--destinations`, a `when` of its own) needs them.
    func mark(_ deliveries: [Delivery], _ covers: [String: Int64], by rules: RuleSet) async throws {
        let (store, plan) = (parts.store, plan)
        let marks = Self.whole(deliveries, rules).marks(covers)
        try await storing { () async throws(StoreError) in
            try await store.addMarks(marks, org: plan.org, entity: plan.entity)
        }
    }

    private static func whole(_ deliveries: [Delivery], _ rules: RuleSet) -> [Delivery] {
        var wanted: [String: Set<String>] = [:]
        for rule in Set(deliveries.map(\.rule)) { wanted[rule] = rules.destinations(of: rule) }
        var made: [RuleOfRecord: Set<String>] = [:]
        for delivery in deliveries {
            made[RuleOfRecord(delivery), default: []].insert(delivery.destination)
        }
        return deliveries.filter { made[RuleOfRecord($0)]!.isSuperset(of: wanted[$0.rule]!) }
    }

    private struct RuleOfRecord: Hashable {
        let rule: String
        let record: String

        init(_ delivery: Delivery) {
            rule = delivery.rule
            record = delivery.origin.recordID
        }
    }

    /// Everything before is acknowledged or stored, and so is the place.
    func save() async throws {
        try Task.checkCancellation()
        await parts.outbox.flush()
        try Task.checkCancellation()
        let (store, id, progress, wall) = (parts.store, id, progress, parts.time.wall())
        try await storing { () async throws(StoreError) in try await store.save(progress, of: id, wall: wall) }
        tracker.moved(progress)
    }

    private func storing(_ body: @Sendable () async throws(StoreError) -> Void) async throws {
        while true {
            do throws(StoreError) {
                return try await body()
            } catch {
                try Task.checkCancellation()
                guard error.isRetryable else { throw ReplayFailure("\(error)") }
                tracker.waits("\(error)")
            }
            try await parts.time.sleep(Self.storeRetry)
        }
    }
}
