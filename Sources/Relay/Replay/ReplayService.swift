import Events
import FoundationEssentials
import Logging
import Store

/// Runs replays in a daemon: those that are asked for, and those that an earlier process did not bring to an end.
package actor ReplayService {
    /// Replays of one org that run at the same time; further ones wait for their turn. One that waits for its org's sign-in
    /// keeps no other org's waiting.
    static let maximumRunning = 4

    private let parts: ReplayParts
    private var running: [String: (task: Task<Void, Never>, tracker: ReplayTracker, orgs: Set<String>)] = [:]
    private var waiting: [ReplayRecord] = []
    private var isStopping = false

    package init(_ parts: ReplayParts) { self.parts = parts }

    /// Takes up the replays that the store holds, and that do not run yet. After the outbox was started.
    package func takeUp() async throws(StoreError) {
        for record in try await parts.store.replays().reversed() where record.state == .running { run(record) }
    }

    /// Lets go of replays of this org, as if the process ended: they go on with the next `takeUp`.
    func letGo(of org: String) async {
        waiting.removeAll { Self.plan(of: $0)?.topics.contains { $0.org == org } == true }
        for run in running.values where run.orgs.contains(org) {
            run.task.cancel()
            await run.task.value
        }
        await parts.outbox.flush()
    }

    /// They go on with the next start. Before the outbox is stopped.
    package func stop() {
        isStopping = true
        waiting = []
        for run in running.values { run.task.cancel() }
    }

    /// A new one, or one that was paused.
    func begin(_ record: ReplayRecord) async throws(StoreError) {
        guard running[record.id] == nil, !waits(record.id) else { return }
        var record = record
        record.state = .running
        record.detail = ""
        record.updatedAt = parts.time.wall()
        try await parts.store.save(record)
        run(record)
    }

    /// Stops it, for now (`paused`) or for good. What it handed over already is delivered.
    func end(_ record: ReplayRecord, as state: ReplayRecord.State, _ detail: String) async throws(StoreError) {
        // It may have come to its end by itself in that moment.
        guard let now = try await parts.store.replay(record.id), !now.state.isFinal else { return }
        var record = now
        record.state = state
        record.detail = detail
        record.updatedAt = parts.time.wall()
        // Stored first: one that was stopped, and still counts as running, would stand still.
        try await parts.store.save(record)
        waiting.removeAll { $0.id == record.id }
        if let run = running[record.id] {
            run.task.cancel()
            await run.task.value
            await parts.outbox.flush()
        }
    }

    /// Has everything written that was taken, unless the store cannot be written.
    func write() async { await parts.outbox.flushIfPossible() }

    /// Nil if it does not run.
    func tracker(_ id: String) -> ReplayTracker.Snapshot? { running[id]?.tracker.snapshot }

    func waits(_ id: String) -> Bool { waiting.contains { $0.id == id } }

    /// Returns once nothing runs; for tests, and for the end of a process.
    package func idle() async {
        while let run = running.values.first { await run.task.value }
    }

    // MARK: Running

    /// Unless it does already.
    private func run(_ record: ReplayRecord) {
        guard !isStopping, running[record.id] == nil, !waits(record.id) else { return }
        let plan = Self.plan(of: record)
        let orgs = Set(plan?.topics.map(\.org) ?? [])
        guard orgs.allSatisfy({ org in running.values.count { $0.orgs.contains(org) } < Self.maximumRunning }) else {
            return waiting.append(record)
        }
        let tracker = ReplayTracker()
        running[record.id] = (Task { await self.perform(record, plan, tracker) }, tracker, orgs)
    }

    private static func plan(of record: ReplayRecord) -> ReplayPlan? {
        try? JSONDecoder().decode(ReplayPlan.self, from: Data(record.plan))
    }

    private func perform(_ record: ReplayRecord, _ plan: ReplayPlan?, _ tracker: ReplayTracker) async {
        let ending = await outcome(record, plan, tracker)
        if let (state, detail) = ending { await save(record, state, detail) }
        running[record.id] = nil
        let next = waiting
        waiting = []
        for record in next { run(record) }
    }

    /// Nil if it was stopped, and goes on another time.
    private func outcome(
        _ record: ReplayRecord, _ plan: ReplayPlan?, _ tracker: ReplayTracker
    ) async -> (state: ReplayRecord.State, detail: String)? {
        guard let plan else {
            return (.failed, "its plan was written by another version of sluice; ask for the replay again")
        }
        parts.log.notice("replay \(record.id) goes on", metadata: ["topics": "\(plan.topics.count)"])
        do {
            try await ReplayRunner(record.id, plan, parts, tracker: tracker).run()
            return (.done, "")
        } catch let failure as ReplayFailure {
            return (.failed, failure.description)
        } catch {
            return nil
        }
    }

    private func save(_ record: ReplayRecord, _ state: ReplayRecord.State, _ detail: String) async {
        var record = record
        record.state = state
        record.detail = detail
        record.updatedAt = parts.time.wall()
        let level: Logger.Level = state == .done ? .notice : .error
        parts.log.log(level: level, "replay \(record.id) \(state.rawValue)\(detail.isEmpty ? "" : ": \(detail)")")
        let last = LastWrite(time: parts.time, log: parts.log)
        await last("replay \(record.id)") { [store = parts.store, record] () async throws(StoreError) in
            try await store.save(record)
        }
    }
}
