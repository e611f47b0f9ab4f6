import Events

/// Writes deliveries into a Salesforce org. What waits at the same moment goes together, up to 200 records in one call:
/// an org counts calls, not records.
package actor SalesforceSink: Sink {
    /// Records in one call of sObject Collections, and events in one Publish.
    package static let maximumBatch = 200
    /// Calls under way. An org allows few long ones.
    static let maximumCalls = 2
    /// How long the first one waits for others.
    package static let gather: Duration = .milliseconds(25)

    private struct Waiting {
        let write: SalesforceWrite
        let continuation: CheckedContinuation<AttemptOutcome, Never>
    }

    private let org: String
    private let orgs: SalesforceOrgs
    private let time: TimeSource
    private var waiting: [Waiting] = []
    private var calls = 0
    private var isGathering = false

    init(org: String, orgs: SalesforceOrgs, time: TimeSource) {
        self.org = org
        self.orgs = orgs
        self.time = time
    }

    package func attempt(_ delivery: Delivery, number: Int) async -> AttemptOutcome {
        let write: SalesforceWrite
        switch SalesforceWrite.read(delivery) {
        case .success(let read): write = read
        case .failure(let refusal): return .park(AttemptNote(reason: refusal.reason))
        }
        return await withCheckedContinuation { continuation in
            waiting.append(Waiting(write: write, continuation: continuation))
            stir()
        }
    }

    private func stir() {
        guard !isGathering, calls < Self.maximumCalls, !waiting.isEmpty else { return }
        isGathering = true
        Task {
            if orgs.gather > .zero { try? await time.sleep(orgs.gather) }
            send()
        }
    }

    private func send() {
        isGathering = false
        let batch = takeBatch()
        guard !batch.isEmpty else { return }
        calls += 1
        Task {
            let outcomes = await perform(batch.map(\.write))
            for (entry, outcome) in zip(batch, outcomes) { entry.continuation.resume(returning: outcome) }
            calls -= 1
            stir()
        }
        stir()
    }

    /// Of one kind; a record that is there already waits for the next call.
    private func takeBatch() -> [Waiting] {
        guard let kind = waiting.first?.write.kind else { return [] }
        var batch: [Waiting] = []
        var later: [Waiting] = []
        var keys: Set<String> = []
        for entry in waiting {
            let isFree = entry.write.key.isEmpty || !keys.contains(entry.write.key)
            if entry.write.kind == kind, batch.count < Self.maximumBatch, isFree {
                batch.append(entry)
                keys.insert(entry.write.key)
            } else {
                later.append(entry)
            }
        }
        waiting = later
        return batch
    }

    private func perform(_ writes: [SalesforceWrite]) async -> [AttemptOutcome] {
        guard let writer = orgs.writer(org) else {
            let note = AttemptNote(reason: "the org \(org) has not signed in yet")
            return writes.map { _ in .hold(note, scope: .destination, for: .seconds(5)) }
        }
        let outcomes = await writer.save(writes[0].kind, writes)
        precondition(outcomes.count == writes.count, "an outcome for each write")
        return outcomes
    }
}
