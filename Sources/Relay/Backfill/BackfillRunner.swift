import Events
import Logging
import SalesforceREST
import Store

/// What every backfill needs of the relay.
package struct BackfillParts: Sendable {
    package var store: Store
    package var outbox: Outbox
    package var rules: CurrentRules
    package var orgs: BackfillOrgs
    package var gate: SnapshotGate
    package var time: TimeSource
    package var log: Logger

    package init(
        store: Store, outbox: Outbox, rules: CurrentRules, orgs: BackfillOrgs, gate: SnapshotGate,
        time: TimeSource = .system, log: Logger
    ) {
        self.store = store
        self.outbox = outbox
        self.rules = rules
        self.orgs = orgs
        self.gate = gate
        self.time = time
        self.log = log
    }
}

/// Performs one backfill until it is done, cancelled, or cannot go on.
///
/// Page by page: the object's events are held, the page is read, marked and handed over, and the events go on. An event
/// before the page is in what was read; one behind it is newer, or is dropped by its mark.
actor BackfillRunner {
    /// Between looks whether an org has signed in, or its streams are there.
    static let orgRetry: Duration = .seconds(1)
    /// A stream that has just begun may not bring what was published in its first seconds.
    static let subscribeLead: Duration = .seconds(5)
    /// Records that changed too short before they were read: so many are gathered, and read again at once.
    static let lateRound = SnapshotReader.maximumReread / 2
    /// How often they are read again. One that still changes then, two minutes later, is handed over all the same.
    static let lateRounds = 24

    let id: String
    let plan: BackfillPlan
    let parts: BackfillParts
    let tracker: BackfillTracker
    let log: Logger
    var progress: BackfillProgress
    var pace: BackfillPace
    private var destinations: Set<String>
    private var entry: BackfillOrgs.Entry?
    /// Salesforce does not read these records by Bulk API 2.0.
    var isBulkRefused = false

    init(
        _ id: String, _ plan: BackfillPlan, _ progress: BackfillProgress, _ parts: BackfillParts,
        tracker: BackfillTracker
    ) {
        self.id = id
        self.plan = plan
        self.progress = progress
        self.parts = parts
        self.tracker = tracker
        pace = BackfillPace(rate: plan.rate)
        destinations = Set(plan.destinations)
        var log = parts.log
        log[metadataKey: "backfill"] = "\(id)"
        self.log = log
    }

    /// A page holds events up.
    private static var pageTimeout: Duration { .seconds(30) }

    /// - Throws: `ReplayFailure`, `CancellationError`, or `OutboxStopped`.
    func run() async throws {
        let entry = try await org()
        self.entry = entry
        var reader = try await reader(entry)
        if progress.beganAt == nil { try await begin(reader, entry) }
        while true {
            do {
                try await read(reader, entry)
                break
            } catch let refused as FieldRefused {
                // A field may have gone since the object was described.
                let fields = reader.fields
                reader = try await self.reader(entry, maximumAge: .zero)
                guard reader.fields != fields else { throw ReplayFailure("\(refused.error)") }
                log.notice("the fields of \(plan.entity) have changed; the \(plan.title) goes on with those that are there")
            }
        }
        progress.endedAt = parts.time.wall()
        try await save()
    }

    private func reader(_ entry: BackfillOrgs.Entry, maximumAge: Duration? = nil) async throws -> SnapshotReader {
        let entity = plan.entity
        let description = try await asking { () async throws(RESTError) in
            try await entry.describes.description(of: entity, maximumAge: maximumAge)
        }
        // A page holds events up: while Salesforce does not answer, the wait is outside of it.
        return SnapshotReader(
            entry.client.impatient(timeout: Self.pageTimeout), description, filter: plan.filter, since: plan.since)
    }

    /// From where it was.
    private func read(_ reader: SnapshotReader, _ entry: BackfillOrgs.Entry) async throws {
        while !isBulkRefused, wantsBulk(entry) { try await startBulk(reader) }
        while progress.bulk != nil { try await readBulk(reader) }
        while !progress.isReadingDeleted { try await readPage(reader) }
        try await settleLate(reader, areDeleted: false, downTo: 0)
        // Without a beginning all of the recycle bin would be told again.
        guard plan.kind == .reread, plan.since != nil else { return }
        if reader.tellsDeleted {
            try await readDeleted(reader)
        } else {
            log.notice("\(plan.entity) does not tell which of its records were deleted; the \(plan.title) is without them")
        }
    }

    // MARK: Beginning

    private func org() async throws -> BackfillOrgs.Entry {
        while true {
            if let entry = parts.orgs.entry(plan.org) { return entry }
            tracker.waits(
                parts.orgs.isExpected(plan.org)
                    ? "the org \(plan.org) has not signed in yet"
                    : "the org \(plan.org) is not in sluice.yaml; cancel it (`sluice backfill cancel \(id)`) unless it comes back")
            try await parts.time.sleep(Self.orgRetry)
        }
    }

    /// Subscribes first: nothing is read before everything that happens meanwhile is sure to come.
    private func begin(_ reader: SnapshotReader, _ entry: BackfillOrgs.Entry) async throws {
        var hasWaited = false
        for topic in entry.topics where EntityTopic.mayCarry(plan.entity, topic) {
            while let why = await entry.isFollowed(topic) {
                hasWaited = true
                tracker.waits("\(topic) is not subscribed to yet: \(why)")
                try await parts.time.sleep(Self.orgRetry)
            }
        }
        if hasWaited { try await parts.time.sleep(Self.subscribeLead) }
        progress.expected = try? await reader.count()
        progress.beganAt = parts.time.wall()
        log.notice(
            "\(plan.title) begins", metadata: ["records": "\(progress.expected.map(String.init) ?? "unknown")"])
        try await save()
    }

    // MARK: Pages

    private func readPage(_ reader: SnapshotReader) async throws {
        let after = progress.afterID
        let page = try await handOver(loosely: false) { rows async throws(RESTError) in
            try await reader.page(after: after, limit: min(rows, reader.maximumRows))
        }
        progress.late += page.late
        progress.afterID = page.last
        progress.isReadingDeleted = page.last == nil
        try await keepUp(reader)
    }

    /// Ends a page.
    func keepUp(_ reader: SnapshotReader, areDeleted: Bool = false) async throws {
        guard late(areDeleted).count >= Self.lateRound else { return try await save() }
        // Many of them were left alone meanwhile.
        try await readLate(reader, areDeleted: areDeleted, loosely: false)
        try await settleLate(reader, areDeleted: areDeleted, downTo: Self.lateRound)
    }

    private func late(_ areDeleted: Bool) -> [String] { areDeleted ? progress.lateDeleted ?? [] : progress.late }

    private func settleLate(_ reader: SnapshotReader, areDeleted: Bool, downTo count: Int) async throws {
        for round in 1...Self.lateRounds {
            let late = late(areDeleted)
            guard late.count > count else { return }
            tracker.waits("\(late.count) records \(areDeleted ? "were deleted just now" : "change all the time")")
            try await parts.time.sleep(.milliseconds(SnapshotCoverage.settle))
            try await readLate(reader, areDeleted: areDeleted, loosely: round == Self.lateRounds)
        }
    }

    private func readLate(_ reader: SnapshotReader, areDeleted: Bool, loosely: Bool) async throws {
        var still: [String] = []
        var rest = late(areDeleted)[...]
        while !rest.isEmpty {
            let ids = rest
            let page = try await handOver(loosely: loosely, areDeleted: areDeleted) { rows async throws(RESTError) in
                let some = Array(ids.prefix(areDeleted ? reader.maximumGone(rows) : reader.maximumReread(rows)))
                return (areDeleted ? try await reader.gone(some) : try await reader.rows(some), some.last)
            }
            rest = rest.drop { $0 != page.last }.dropFirst()
            still += page.late
        }
        if areDeleted { progress.lateDeleted = still } else { progress.late = still }
        try await save()
    }

    private func readDeleted(_ reader: SnapshotReader) async throws {
        // What was deleted before this began is certain by then, unless the clocks differ: then it is late.
        let certain = (progress.beganAt ?? 0) + SnapshotCoverage.settle + 1_000 - parts.time.wall()
        if certain > 0 { try await parts.time.sleep(.milliseconds(min(certain, 2 * SnapshotCoverage.settle))) }
        var isDone = false
        while !isDone {
            let after = progress.afterID
            let page = try await handOver(loosely: false, areDeleted: true) { rows async throws(RESTError) in
                try await reader.deleted(after: after, limit: rows)
            }
            let known = Set(progress.lateDeleted ?? [])
            progress.lateDeleted = late(true) + page.late.filter { !known.contains($0) }
            isDone = page.last == nil
            // The last page is read again if this is cut off before what was late is settled.
            progress.afterID = page.last ?? progress.afterID
            try await keepUp(reader, areDeleted: true)
        }
        try await settleLate(reader, areDeleted: true, downTo: 0)
    }

    private typealias Page = (rows: [SnapshotRow], last: String?)

    /// - Parameter read: is told how many records it may read.
    /// - Returns: records that have to be read again, and where to go on.
    private func handOver(
        loosely: Bool, areDeleted: Bool = false, _ read: @Sendable (_ rows: Int) async throws(RESTError) -> Page
    ) async throws -> (late: [String], last: String?) {
        var wait = BackfillPatience()
        while true {
            try await room()
            try await parts.gate.enterPage(plan.subject)
            do {
                let readAt = parts.time.wall()
                let page = try await read(pace.rows)
                let late = try await hand(page.rows, readAt: readAt, loosely: loosely, areDeleted: areDeleted)
                await parts.gate.leavePage(plan.subject)
                pace.widen()
                return (late, page.last)
            } catch {
                await parts.gate.leavePage(plan.subject)
                guard let error = error as? RESTError else { throw error }
                let isNarrower = error.mayBeOfSize && pace.narrow()
                if isNarrower, error.kind == .tooLarge { continue }
                try await pause(error, &wait)
            }
        }
    }

    /// - Parameters:
    ///   - readAt: by our clock, before the read began.
    ///   - settledAt: what a bulk query finds may be as old as this.
    /// - Returns: records that have to be read again.
    func hand(
        _ rows: [SnapshotRow], readAt: Int64, settledAt: Int64? = nil, loosely: Bool, areDeleted: Bool
    ) async throws -> [String] {
        var ready: [SnapshotRow] = []
        var covers: [String: Int64] = [:]
        var late: [String] = []
        let lead = await entry?.client.clockLead ?? 0
        for row in rows {
            switch SnapshotCoverage.of(modified: row.modified, readAt: (settledAt ?? readAt) - lead) {
            case .until(let time): covers[row.id] = time
            case .unsettled where loosely: covers[row.id] = SnapshotCoverage.loosely(modified: row.modified)
            case .unsettled:
                late.append(row.id)
                continue
            }
            ready.append(row)
        }
        var rest = ready[...]
        while !rest.isEmpty {
            let (count, wait) = pace.next(uptime: parts.time.uptime)
            guard count > 0 else {
                try await parts.time.sleep(.milliseconds(wait))
                continue
            }
            try await take(rest.prefix(count), covers, readAt, areDeleted)
            pace.took(min(count, rest.count))
            rest = rest.dropFirst(count)
        }
        return late
    }

    private func take(
        _ rows: ArraySlice<SnapshotRow>, _ covers: [String: Int64], _ readAt: Int64, _ areDeleted: Bool
    ) async throws {
        guard let entry else { preconditionFailure("records without an org") }
        let events = SnapshotEvents(backfill: id, plan: plan, org: entry.org)
        let rules = parts.rules.current
        var piece = SnapshotEvents.Piece()
        for row in rows {
            if areDeleted {
                try await events.route(
                    deleted: row, by: rules, readAt: readAt, complete: entry.complete, into: &piece)
            } else {
                try await events.route(row, by: rules, readAt: readAt, complete: entry.complete, into: &piece)
            }
        }
        for delivery in piece.deliveries { destinations.insert(delivery.destination) }
        try await mark(piece.deliveries, covers, by: rules)
        if !piece.deliveries.isEmpty || !piece.deadLetters.isEmpty {
            try await parts.outbox.accept(
                RoutedBatch(cursor: cursor(entry.org), deliveries: piece.deliveries, deadLetters: piece.deadLetters))
        }
        if areDeleted { progress.deleted += rows.count } else { progress.records += rows.count }
        progress.deliveries += piece.deliveries.count
        progress.failures += piece.failures
        tracker.moved(progress)
    }

    /// Moves nothing: where a backfill is, is written once its deliveries are safe.
    private func cursor(_ org: Org) -> Cursor {
        guard let replayID = ReplayID(Array(id.utf8)) else { preconditionFailure("an ID without bytes") }
        return Cursor(
            key: Cursor.Key(org: plan.org, topic: "\(plan.kind.rawValue) \(id)", scope: .none), orgID: org.id,
            instanceURL: org.instanceURL, replayID: replayID, commitTime: nil, updatedAt: parts.time.wall())
    }

    /// Waits while its destinations are busy, without holding up any event.
    func room() async throws {
        while true {
            try Task.checkCancellation()
            let status = await parts.outbox.status()
            let pending = status.destinations.filter { destinations.contains($0.name) }.map(\.pending).max() ?? 0
            let load = ReplayPace.Load(
                pending: pending, isBackedUp: status.isBackedUp || status.storeFailure != nil, brake: nil)
            guard case .wait(let milliseconds, let why) = pace.page(load) else { return }
            tracker.waits(why)
            try await parts.time.sleep(.milliseconds(milliseconds))
        }
    }
}
