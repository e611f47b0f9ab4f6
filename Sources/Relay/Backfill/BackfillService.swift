import Crypto
import Events
import FoundationEssentials
import Logging
import SalesforceREST
import Store

/// Runs backfills in a daemon: those that are asked for, those that gaps need, and those that an earlier process did
/// not bring to an end. Two of one object go one after another.
package actor BackfillService {
    /// Of one org: one that cannot sign in, or is not configured any more, keeps no other waiting.
    static let maximumRunning = 2
    /// Between looks whether marks can go.
    static let settlingCheck: Duration = .seconds(60)

    package nonisolated let orgs: BackfillOrgs
    package nonisolated let gate: SnapshotGate
    private let parts: BackfillParts
    private let marks: MarkKeeper
    private var running: [String: (task: Task<Void, Never>, tracker: BackfillTracker, subject: SnapshotSubject)] = [:]
    private var waiting: [BackfillRecord] = []
    /// On their way into the store.
    private var beginning: [String: SnapshotSubject] = [:]
    private var settling: Task<Void, Never>?
    private var isStopping = false

    /// - Parameter topics: that are subscribed to.
    package init(_ parts: BackfillParts, topics: [Cursor.Key]) {
        self.parts = parts
        marks = MarkKeeper(
            store: parts.store, outbox: parts.outbox, gate: parts.gate, topics: topics, time: parts.time)
        orgs = parts.orgs
        gate = parts.gate
    }

    /// Before any stream starts, since older events are to be held against its marks.
    package func start() async throws(StoreError) {
        try await takeUp()
        settling = Task { [time = parts.time] in
            while (try? await time.sleep(Self.settlingCheck)) != nil { await self.settle() }
        }
    }

    /// Takes up what the store holds, and what does not run yet.
    func takeUp() async throws(StoreError) {
        for record in try await parts.store.backfills().reversed() where !record.isSettled {
            guard let plan = Self.plan(of: record) else { continue }
            await gate.open(plan.subject)
            // Whatever its state: a bulk query that goes on another day must know what changed meanwhile.
            if record.progress.bulk != nil { await gate.follow(plan.subject, for: record.id) }
            if record.state == .running { run(record) }
        }
    }

    /// Lets go of backfills of this org, as if the process ended: they go on with the next `takeUp`. No stream of it runs.
    func letGo(of org: String) async {
        waiting.removeAll { Self.plan(of: $0)?.org == org }
        for run in running.values where run.subject.org == org {
            run.task.cancel()
            await run.task.value
        }
        await parts.outbox.flush()
        await gate.forget(org: org)
    }

    /// They go on with the next start. Before the outbox is stopped.
    package func stop() {
        isStopping = true
        waiting = []
        settling?.cancel()
        for run in running.values { run.task.cancel() }
    }

    /// A new one, or one that was paused. It is stored when this returns.
    func begin(_ record: BackfillRecord) async throws(StoreError) {
        guard running[record.id] == nil, beginning[record.id] == nil, !waits(record.id) else { return }
        var record = record
        record.state = .running
        record.detail = ""
        record.isSettled = false
        record.updatedAt = parts.time.wall()
        if let plan = Self.plan(of: record) {
            beginning[record.id] = plan.subject
            await gate.open(plan.subject)
        }
        defer { beginning[record.id] = nil }
        try await parts.store.save(record)
        run(record)
    }

    /// As `begin`, once and never again.
    func beginOnce(_ plan: BackfillPlan, name: String) async throws(StoreError) {
        let id = Self.id(of: [plan.org, plan.entity, name])
        // The org may have had another name then.
        let known = try await parts.store.backfills().contains { $0.id == id || Self.plan(of: $0) == plan }
        guard !known else { return }
        try await begin(BackfillRecord(id: id, plan: Self.json(plan), createdAt: parts.time.wall()))
        parts.log.notice("\(plan.title): \(plan.cause)", metadata: ["org": "\(plan.org)", "backfill": "\(id)"])
    }

    /// Stops it, for now (`paused`) or for good. What it handed over already is delivered.
    func end(_ record: BackfillRecord, as state: BackfillRecord.State, _ detail: String) async throws(StoreError) {
        // It may have come to its end by itself in that moment.
        guard let now = try await parts.store.backfill(record.id), !now.state.isFinal else { return }
        // Stored first: one that was stopped, and still counts as running, would stand still.
        try await save(now, state, detail)
        waiting.removeAll { $0.id == record.id }
        if let run = running[record.id] {
            run.task.cancel()
            await run.task.value
        }
        if state == .cancelled { endJob(of: now) }
    }

    /// By itself a bulk query would go on to its end, and be kept for days.
    private func endJob(of record: BackfillRecord) {
        guard let place = record.progress.bulk, let plan = Self.plan(of: record), let entry = orgs.entry(plan.org)
        else { return }
        Task {
            let bulk = BulkQuery(entry.client)
            _ = try? await bulk.abort(place.job)
            _ = try? await bulk.delete(place.job)
        }
    }

    /// Nil if it does not run.
    func tracker(_ id: String) -> BackfillTracker.Snapshot? { running[id]?.tracker.snapshot }

    func waits(_ id: String) -> Bool { waiting.contains { $0.id == id } }

    /// Returns once nothing runs; for tests, and for the end of a process.
    package func idle() async {
        while let run = running.values.first { await run.task.value }
    }

    static func json(_ plan: BackfillPlan) -> [UInt8] {
        guard let json = try? JSONEncoder().encode(plan) else { preconditionFailure("a plan without a JSON form") }
        return [UInt8](json)
    }

    static func plan(of record: BackfillRecord) -> BackfillPlan? {
        try? JSONDecoder().decode(BackfillPlan.self, from: Data(record.plan))
    }

    /// `bf` and eight hex digits, the same for the same parts.
    static func id(of parts: [String]) -> String {
        let digest = SHA256.hash(data: Array(parts.joined(separator: "\n").utf8))
        return "bf" + Hex.encode(Array(digest.prefix(4)))
    }

    static func newID(using generator: inout some RandomNumberGenerator) -> String {
        "bf" + Hex.encode((0..<4).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    // MARK: Running

    /// Unless it does already.
    private func run(_ record: BackfillRecord) {
        guard !isStopping, running[record.id] == nil, !waits(record.id) else { return }
        guard let plan = Self.plan(of: record) else {
            parts.log.error("the plan of \(record.id) was written by another version of sluice; it does not go on")
            return
        }
        let beside = running.values.lazy.map(\.subject).filter { $0.org == plan.org }
        guard beside.count < Self.maximumRunning, !beside.contains(plan.subject) else { return waiting.append(record) }
        let tracker = BackfillTracker()
        let runner = BackfillRunner(record.id, plan, record.progress, parts, tracker: tracker)
        running[record.id] = (Task { await self.perform(record, runner, plan) }, tracker, plan.subject)
    }

    private func perform(_ record: BackfillRecord, _ runner: BackfillRunner, _ plan: BackfillPlan) async {
        do {
            try await runner.run()
            let progress = await runner.progress
            parts.log.notice(
                "\(plan.title) is done",
                metadata: [
                    "backfill": "\(record.id)", "records": "\(progress.records)", "deliveries": "\(progress.deliveries)",
                ])
            await ended(record, .done, "")
        } catch let failure as ReplayFailure {
            parts.log.error("\(plan.title) failed: \(failure)", metadata: ["backfill": "\(record.id)"])
            await ended(record, .failed, failure.description)
        } catch {
            // Stopped; it goes on another time.
        }
        running[record.id] = nil
        let next = waiting
        waiting = []
        for record in next { run(record) }
    }

    private func ended(_ record: BackfillRecord, _ state: BackfillRecord.State, _ detail: String) async {
        let last = LastWrite(time: parts.time, log: parts.log)
        await last("backfill \(record.id)") { () async throws(StoreError) in
            try await self.save(record, state, detail)
        }
    }

    private func save(_ record: BackfillRecord, _ state: BackfillRecord.State, _ detail: String) async throws(StoreError) {
        var record = record
        record.state = state
        record.detail = detail
        record.updatedAt = parts.time.wall()
        try await parts.store.save(record)
    }

    // MARK: Marks

    /// Forgets marks that no event can meet any more.
    func settle() async {
        do throws(StoreError) {
            let open = try await parts.store.backfills().filter { !$0.isSettled }
            let plans = open.compactMap { record in Self.plan(of: record).map { (record, $0) } }
            for (subject, group) in Dictionary(grouping: plans, by: \.1.subject) {
                guard group.allSatisfy({ $0.0.state.isFinal }) else { continue }
                try await settle(subject, group.map(\.0))
            }
        } catch {
            parts.log.debug("\(error)")
        }
    }

    /// A bulk query that did not come to its end is of no use once nobody notes what changes beside it.
    private func forgetBulk(_ record: BackfillRecord, _ subject: SnapshotSubject) async throws(StoreError) {
        guard record.progress.bulk != nil else { return }
        var progress = record.progress
        progress.bulk = nil
        try await parts.store.save(progress, of: record.id, wall: parts.time.wall())
        await gate.unfollow(subject, for: record.id)
        try await parts.store.forgetPassed(of: record.id)
    }

    private func settle(_ subject: SnapshotSubject, _ records: [BackfillRecord]) async throws(StoreError) {
        let ended = records.map { $0.progress.endedAt ?? $0.updatedAt }.max() ?? 0
        guard await marks.isSettled(subject, handedOver: ended) else { return }
        guard !isRead(subject) else { return }
        for var record in records {
            try await forgetBulk(record, subject)
            record.isSettled = true
            try await parts.store.save(record)
        }
        try await marks.forget(subject, handedOver: ended)
        guard !isRead(subject) else { return }
        await gate.close(subject)
    }

    /// Or is about to be.
    private func isRead(_ subject: SnapshotSubject) -> Bool {
        running.values.contains { $0.subject == subject } || beginning.values.contains(subject)
            || waiting.contains { Self.plan(of: $0)?.subject == subject }
    }
}
