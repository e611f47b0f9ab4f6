import Events
import Logging
import Rules

/// Gathers the events of `coalesce` into deliveries: performs what the `BatchPlan` of each key decides.
///
/// A claim stays in the outbox, and so in the store, until the delivery that it is rendered into has taken its place in
/// the same transaction: a crash at any moment leaves one or the other.
package actor BatchGatherer: RunCollector {
    /// Between looks at claims that are kept.
    static let keptRetry: Int64 = 30_000
    /// How long the stream must have passed a transaction, with no claim of it coming, until it counts as complete: claims
    /// reach this place after the stream's mark does.
    static let sealDelay: Int64 = 250

    private struct Batch {
        var plan = BatchPlan()
        /// By ID. Bounded over all batches of a rule, and of a destination, by `ClaimQueue`.
        var claims: [String: Delivery] = [:]
        /// Those that brought claims of the open transaction: their marks decide when it is complete.
        var streams: Set<StreamMarks.Stream> = []
        /// Uptime at which the streams' marks are looked at.
        var sealAt: Int64?
        var timer: Task<Void, Never>?
        /// Uptime at which the timer fires.
        var wakeAt: Int64?
        /// Claims that were to be closed when no rule gathered them, or that their rule holds back (`onError: pause`).
        var kept: [Delivery] = []
        /// Why, as it was said.
        var keptBecause = ""
        /// What the batch in flight has become and has not ended; what is kept counts as one.
        var open = 0
        /// Claims that were taken out to be closed, until they leave the outbox.
        var leaving: Set<String> = []
        /// The streams are known to have passed the open transaction.
        var isPassed = false
    }

    private struct Key: Hashable {
        let destination: String
        let lane: String
    }

    private let outbox: any BatchOutbox
    private let rules: CurrentRules
    private let marks: StreamMarks
    private let time: TimeSource
    private let log: Logger
    private var batches: [Key: Batch] = [:]
    private var isStopped = false

    package init(
        outbox: any BatchOutbox, rules: CurrentRules, marks: StreamMarks, time: TimeSource = .system, log: Logger
    ) {
        self.outbox = outbox
        self.rules = rules
        self.marks = marks
        self.time = time
        self.log = log
    }

    package func add(_ delivery: Delivery) {
        guard case .batch(let claim) = delivery.target else {
            preconditionFailure("the dispatcher gives only claims on batches to this collector")
        }
        let key = Key(destination: delivery.destination, lane: delivery.lane)
        // Where a replay is, the live stream does not tell: its transactions end with the next one of it, or in time.
        let isOfStream = claim.transactionKey != nil && ReplayedDelivery.replay(ofDelivery: delivery.id) == nil
        var batch = batches.removeValue(forKey: key) ?? Batch()
        // The same claims come again when their destination comes back.
        guard !batch.leaving.contains(delivery.id) else { return batches[key] = batch }
        if batch.claims.updateValue(delivery, forKey: delivery.id) == nil {
            if batch.plan.transaction != claim.transactionKey { batch.streams = [] }
            if isOfStream {
                batch.streams.insert(StreamMarks.Stream(orgID: delivery.origin.orgID, topic: delivery.origin.topic))
            }
            batch.plan.add(delivery.id, claim, at: time.uptime)
        }
        if isOfStream {
            marks.watch { [weak self] in Task { await self?.streamed() } }
            batch.sealAt = time.uptime + Self.sealDelay
            batch.isPassed = false
        }
        batches[key] = batch
        pump(key)
    }

    /// Closes nothing further. What is open is taken up at the next start, from the claims in the store.
    package func stop() {
        isStopped = true
        for batch in batches.values { batch.timer?.cancel() }
    }

    /// Rules were replaced: what nobody gathered may have somebody now.
    package func rulesChanged() {
        for (key, batch) in batches where !batch.kept.isEmpty { closeKept(key) }
    }

    /// What holds up a batch once it is closed is its destination's affair.
    package func tryNow() -> [String] {
        rulesChanged()
        return []
    }

    // MARK: Working

    private func streamed() {
        for (key, batch) in batches where !batch.isPassed && isPassed(batch) {
            batches[key]?.isPassed = true
            batches[key]?.sealAt = time.uptime + Self.sealDelay
            pump(key)
        }
    }

    private func isPassed(_ batch: Batch) -> Bool {
        let passed = batch.streams.map { marks.newest(of: $0) }
        return !passed.isEmpty && passed.allSatisfy { $0 != nil && $0?.transaction != batch.plan.transaction }
    }

    private func seal(_ key: Key) {
        guard let batch = batches[key], let sealAt = batch.sealAt, sealAt <= time.uptime else { return }
        batches[key]?.sealAt = nil
        guard isPassed(batch) else { return }
        batches[key]?.plan.transactionPassed()
    }

    private func pump(_ key: Key) {
        seal(key)
        while !isStopped, let action = batches[key]?.plan.next(at: time.uptime) {
            switch action {
            case .wait(let until):
                if batches[key]?.plan.isIdle == true { batches[key] = nil } else { sleep(key, until) }
                return
            case .close(let ids):
                let claims = ids.compactMap { batches[key]?.claims.removeValue(forKey: $0) }
                batches[key]?.leaving = Set(ids)
                close(claims, of: key)
            }
        }
    }

    private func close(_ claims: [Delivery], of key: Key) {
        var kept: [RuleSet.ClosedPart] = []
        var others: [RuleSet.ClosedPart] = []
        for part in rules.current.close(claims, now: time.wall()) {
            if part.whyKept == nil { others.append(part) } else { kept.append(part) }
        }
        if let why = kept.first?.whyKept { keep(kept.flatMap(\.claims), why, of: key) }
        batches[key]?.open += others.count
        let parts = others
        Task { await perform(parts, of: key) }
    }

    private func perform(_ parts: [RuleSet.ClosedPart], of key: Key) async {
        // Once they are on disk, a crash gathers all of them again, and together. Otherwise some would come from the store
        // and some later from Salesforce, and an older state be new to who has the newer one.
        if parts.contains(where: \.isDelivery) { await outbox.flush() }
        for part in parts {
            let ids = part.claims.map(\.id)
            // From here on they leave the outbox: what comes under the same ID is its event, come again.
            batches[key]?.leaving.subtract(ids)
            switch part.batch {
            case .delivery(let delivery):
                await outbox.close(ids, into: delivery) { [weak self] in await self?.ended(key) }
            case .failure(let failure):
                let note = AttemptNote(reason: failure.description)
                switch failure.onError {
                case .deadletter, .pause: await outbox.dead(ids, note: note)
                case .drop: await outbox.dropped(ids, note: note)
                }
                ended(key)
            case .noRule: preconditionFailure("what no rule gathers is kept")
            }
        }
    }

    // MARK: What is kept

    private func keep(_ claims: [Delivery], _ why: String, of key: Key) {
        if batches[key]?.keptBecause != why {
            log.warning("\(claims.count) gathered events for \(key.destination) are kept: \(why)")
        }
        batches[key]?.keptBecause = why
        batches[key]?.kept = claims
        batches[key]?.open += 1
        sleep(key, time.uptime + Self.keptRetry)
    }

    private func closeKept(_ key: Key) {
        guard let claims = batches[key]?.kept, !claims.isEmpty else { return }
        batches[key]?.kept = []
        batches[key]?.open -= 1
        close(claims, of: key)
    }

    private func ended(_ key: Key) {
        guard batches[key] != nil else { return }
        batches[key]?.open -= 1
        guard batches[key]?.open == 0 else { return }
        batches[key]?.keptBecause = ""
        batches[key]?.plan.ended()
        pump(key)
    }

    private func sleep(_ key: Key, _ due: Int64?) {
        guard let until = [due, batches[key]?.sealAt].compactMap({ $0 }).min(), !isStopped else { return }
        if let wakeAt = batches[key]?.wakeAt, wakeAt <= until { return }
        batches[key]?.timer?.cancel()
        batches[key]?.wakeAt = until
        let time = time
        batches[key]?.timer = Task { [weak self] in
            guard (try? await time.sleep(untilUptime: until)) != nil else { return }
            await self?.fired(key, until)
        }
    }

    private func fired(_ key: Key, _ wakeAt: Int64) {
        guard batches[key]?.wakeAt == wakeAt else { return }
        batches[key]?.wakeAt = nil
        batches[key]?.timer = nil
        // Its moment has come, whatever the timer was set for: otherwise it would be set for the same moment again.
        seal(key)
        if batches[key]?.kept.isEmpty == false { closeKept(key) } else { pump(key) }
    }
}

extension RuleSet.ClosedPart {
    fileprivate var isDelivery: Bool {
        if case .delivery = batch { true } else { false }
    }

    /// Why the claims stay where they are for now; nil if they go.
    fileprivate var whyKept: String? {
        switch batch {
        case .noRule: "no rule gathers \(claims.first?.rule ?? "them") like this any more. They go on when one does"
        case .failure(let failure) where failure.onError == .pause:
            "\(failure.description). The rule says onError: pause: they go on once they can be built"
        case .failure, .delivery: nil
        }
    }
}

/// What the gatherer does to the outbox.
package protocol BatchOutbox: DeliveryOutcomes {
    /// Returns when everything accepted so far is acknowledged or on disk.
    func flush() async
    /// The delivery takes the place of its claims, in one transaction.
    ///
    /// - Parameter ended: called when the delivery has left the outbox: delivered, dead or dropped.
    func close(_ claims: [String], into delivery: Delivery, ended: @escaping @Sendable () async -> Void) async
    func dropped(_ ids: [String], note: AttemptNote) async
}
