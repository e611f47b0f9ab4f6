import Events
import FoundationEssentials
import Relay
import Store

extension World {
    /// An operator asks for all records to be read.
    func backfill() {
        guard let desk else { return }
        Task {
            let request = BackfillRequest(entity: SimulatedRecords.entity)
            do throws(ControlError) {
                let view = try await desk.answer("backfill.start", request, as: BackfillView.self)
                faults.note("backfill")
                machine.trace.note(machine.now, "backfill", view.id)
            } catch {
                machine.trace.note(machine.now, "backfill refused", "\(error)")
            }
        }
    }

    /// Another one pauses it, or cancels it.
    func meddleWithBackfill(_ verb: String) {
        guard let desk else { return }
        Task {
            guard let record = try? await desk.store.backfills().first(where: { record in
                !record.state.isFinal && (verb == "pause" || record.isSnapshot)
            }) else { return }
            faults.note("backfill: \(verb)")
            let view = try? await desk.answer("backfill.\(verb)", NamedBackfill(id: record.id), as: BackfillView.self)
            machine.trace.note(machine.now, "backfill command", "\(verb) \(record.id): \(view.map { "\($0.state)" } ?? "no")")
        }
    }

    /// What was paused goes on, and what failed while something was wrong.
    ///
    /// - Returns: whether all records are read, and nothing waits for its record.
    func completeRecords(_ desk: Desk) async -> Bool {
        guard let backfills = try? await desk.store.backfills(), let held = try? await desk.store.heldEvents(org: "prod")
        else { return false }
        for record in backfills where record.state == .paused || record.state == .failed {
            resumedBackfills += 1
            if resumedBackfills > 20 { truth.problem("the backfill \(record.id) fails again and again: \(record.detail)") }
            let view = try? await desk.answer("backfill.resume", NamedBackfill(id: record.id), as: BackfillView.self)
            machine.trace.note(machine.now, "backfill resumed", "\(record.id): \(view.map { "\($0.state)" } ?? "no")")
        }
        return held.isEmpty && backfills.allSatisfy { $0.state == .done || $0.state == .cancelled }
    }

    /// Deliveries of a page, and of held events that are let go.
    var read: Int { scope.records ? 2 * (records?.table.count ?? 0) + 50 : 0 }

    /// `Defect.marksForgotten`
    func forgetMarks(_ store: Store) async {
        _ = try? await store.removeMarks(org: "prod", entity: SimulatedRecords.entity, until: .max, limit: 10_000)
    }

    /// Replays, backfills and held events that did not come to their end, in words.
    func unended(_ store: Store) async -> String {
        let replays = ((try? await store.replays()) ?? []).filter { !$0.state.isFinal }.map { "\($0.id) \($0.state)" }
        let backfills = ((try? await store.backfills()) ?? []).filter { !$0.state.isFinal }.map { "\($0.id) \($0.state)" }
        let held = ((try? await store.heldEvents(org: "prod")) ?? []).map { "\($0.key.recordID) held" }
        return (replays + backfills + held).joined(separator: ", ")
    }

    func checkRecords(_ store: Store) async throws(StoreError) {
        guard let records, let recordTruth = receivers.recordTruth else { return }
        let snapshots = try await store.backfills().filter { $0.state == .done && $0.isSnapshot }
        recordTruth.check(records, isBackfilled: !snapshots.isEmpty)
    }
}

extension BackfillRecord {
    /// And not what events left out.
    var isSnapshot: Bool {
        (try? JSONDecoder().decode(BackfillPlan.self, from: Data(plan)))?.kind == .snapshot
    }
}
