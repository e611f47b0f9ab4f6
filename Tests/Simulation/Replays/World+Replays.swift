import Events
import Relay
import Rules
import Store

extension World {
    /// What an operator can ask at the moment.
    var desk: Desk? {
        guard let process = current, !process.life.isOver, !process.isStopping else { return nil }
        return Desk(store: process.store, routes: process.service.routes, life: process.life)
    }

    /// Commands that were given while no relay ran.
    func beforeStart(_ store: Store, _ life: Life) async throws(StoreError) {
        if defect == .replayForgotten { try await forgetReplays(store) }
        let time = time(of: life)
        let orgs = ReplayOrgs(store: store)
        let routes =
            ReplayRoutes.make(store: store, orgs: orgs, rules: CurrentRules(lastGood), service: nil, time: time)
            + CursorRoutes.make(
                store: store, orgs: orgs, outbox: nil, topics: nil, start: { _ in "earliest" }, time: time)
        await replayer.begin(Desk(store: store, routes: routes, life: life))
    }

    /// Deliveries that running replays may have handed over beyond the bounds: a piece each.
    func replayed(_ status: DispatchStatus) -> Int {
        guard scope.replays else { return 0 }
        // Four at a time; a piece is a response, a row of the journal, or a read of what was kept.
        return 4 * max(org.largestBatch, 50)
    }

    /// The live cursor goes forth, whatever is replayed.
    func watchCursors(_ store: Store, _ life: Life) async {
        if defect == .replayMovesCursor { await moveCursors(store, life) }
        guard let cursors = try? await store.cursors() else { return }
        for cursor in cursors where cursor.key.scope == .live {
            let passed = truth.count(through: cursor.replayID)
            let before = life.passed[cursor.key.topic] ?? 0
            // A response that came twice ends with an earlier event.
            if !truth.mayRepeat, passed + (org.hasSentTwice ? 2 : 0) < before {
                truth.problem("the live cursor of \(cursor.key.topic) went back from event \(before) to \(passed)")
            }
            life.passed[cursor.key.topic] = passed
        }
    }

    func checkReplays(_ records: [ReplayRecord], _ ledger: Ledger) {
        let records = records.compactMap { record in record.decodedPlan.map { (record, $0) } }
        truth.replays.check(records, ledger, truth) { [truth, receivers] wanted, since in
            guard let (topic, number) = truth.place(of: wanted.event) else { return false }
            return receivers.integrator.covered(wanted, truth.topics[topic]![number], since: since)
        }
    }

    /// `Defect.replayMovesCursor`
    private func moveCursors(_ store: Store, _ life: Life) async {
        guard let records = try? await store.replays() else { return }
        var group = CommitGroup()
        for record in records where record.state.isFinal && !life.movedBy.contains(record.id) {
            life.movedBy.insert(record.id)
            for position in (try? await store.replayPositions(record.id)) ?? [] {
                guard let id = position.replayID else { continue }
                let key = Cursor.Key(org: position.key.org, topic: position.key.topic)
                group.cursors[key] = Cursor(
                    key: key, orgID: SimulatedOrg.id, instanceURL: SimulatedOrg.instance, replayID: id, commitTime: nil,
                    updatedAt: wall)
            }
        }
        _ = try? await store.commit(group, wall: wall)
    }

    /// `Defect.replayForgotten`
    private func forgetReplays(_ store: Store) async throws(StoreError) {
        for var record in try await store.replays() where record.state == .running {
            record.state = .done
            try await store.save(record)
        }
    }
}
