/// Which flows belong to which user: what `fanOut` asks. Pure; the caller scans when it says so.
///
/// Scans read pages of a changing list, so a flow can be missed although it exists: it counts as gone only after two
/// scans in a row without it. Everything a scan does show counts at once. Times are milliseconds of a clock that never
/// goes back.
package struct FlowDirectory: Sendable, Equatable {
    package enum Action: Equatable, Sendable {
        /// Read the users and the flows, then call `apply` or `failed`.
        case scan
        case wait(until: Int64)
    }

    package struct Settings: Sendable, Equatable {
        /// Between two scans when nothing happens.
        package var refresh: Int64 = 300_000
        /// Between two scans at least, whatever happens: a burst of missing webhooks is one reason, not many.
        package var spacing: Int64 = 10_000
        /// Scans in a row without a flow until it counts as gone.
        package var patience = 2
        /// Templates whose flows count; empty lets all through.
        package var templates: Set<String> = []

        package init() {}
    }

    /// What a scan, or its failure, changed.
    package struct Changes: Sendable, Equatable {
        package var appeared: [String] = []
        package var gone: [String] = []
        /// Flows whose `updatedAt` moved: what was parked because of them may fit now.
        package var updated: [String] = []
        package var contracts: [String: [ContractChange]] = [:]

        package init() {}

        package var isEmpty: Bool { self == Changes() }
    }

    struct Known: Sendable, Equatable {
        var flow: FlowMateFlow
        /// Scans in a row that did not show it.
        var missed = 0
        /// When FlowMate last showed it; nil for what was saved.
        var readAt: Int64?
    }

    package let settings: Settings
    var flows: [String: Known] = [:]
    /// By FlowMate's own ID.
    var users: [String: FlowMateUser] = [:]
    /// IDs of users by their name in lower case; more than one is trouble.
    private(set) var usersByName: [String: [String]] = [:]
    /// IDs of flows by FlowMate's own ID of their owner, in order.
    private(set) var flowsByUser: [String: [String]] = [:]
    private var missedUsers: [String: Int] = [:]
    private var scannedAt: Int64?
    /// When the last scan that succeeded began: what is not known may be newer than that.
    package private(set) var scanBegan: Int64?
    private var wantedAt: Int64?
    private var failures = 0
    private var failedAt: Int64?

    package init(settings: Settings = Settings()) { self.settings = settings }

    /// Nothing can be said about users before the first scan. Flows that were read by themselves say nothing of them.
    package var isEmpty: Bool { scannedAt == nil && users.isEmpty }

    /// Scans fail, or nobody makes them: who asks for a user had better wait for the next one.
    package func isStale(at now: Int64) -> Bool { scannedAt.map { now - $0 > 2 * settings.refresh } ?? true }

    /// Milliseconds since FlowMate showed the flow; nil when that was before a restart, or never.
    package func age(of flow: String, at now: Int64) -> Int64? { flows[flow]?.readAt.map { now - $0 } }

    package func next(at now: Int64) -> Action {
        let due = nextScan
        return due <= now ? .scan : .wait(until: due)
    }

    private var nextScan: Int64 {
        if let failedAt {
            // Doubles from `spacing` up to `refresh`.
            return failedAt + min(settings.refresh, settings.spacing << min(failures - 1, 10))
        }
        guard let scannedAt else { return .min }
        let regular = scannedAt + settings.refresh
        guard let wantedAt else { return regular }
        return min(regular, max(wantedAt, scannedAt + settings.spacing))
    }

    /// A webhook answered 404, or a rule asked for a user that is not known: the next scan comes early.
    package mutating func missed(at now: Int64) { wantedAt = wantedAt ?? now }

    /// What made scans fail was mended, for all that is known.
    package mutating func mayScanAgain() { (failedAt, failures) = (nil, 0) }

    package mutating func failed(at now: Int64) {
        failures += 1
        failedAt = now
    }

    /// Takes over what FlowMate showed.
    ///
    /// - Parameter began: when the scan did; nil for `now`.
    package mutating func apply(
        users: [FlowMateUser], scan: FlowMateFlowScan, began: Int64? = nil, at now: Int64
    ) -> Changes {
        take(users)
        var changes = Changes()
        var shown: Set<String> = []
        for flow in scan.flows {
            shown.insert(flow.id)
            take(flow, &changes, now)
        }
        // A scan that stopped half-way says nothing about what it did not show.
        if scan.isComplete {
            for id in flows.keys.sorted() where !shown.contains(id) { miss(id, &changes) }
        }
        (scannedAt, scanBegan, wantedAt, failedAt, failures) = (now, began ?? now, nil, nil, 0)
        reindex()
        return changes
    }

    /// One flow was read by itself, such as after a 404 of its webhook: `nil` when FlowMate knows it no longer.
    package mutating func apply(flow id: String, _ flow: FlowMateFlow?, at now: Int64? = nil) -> Changes {
        var changes = Changes()
        let before = Set(owners(of: id).map(\.id))
        if let flow {
            take(flow, &changes, now)
        } else if flows.removeValue(forKey: id) != nil {
            changes.gone.append(id)
        }
        reindex(id, ownedBefore: before)
        return changes
    }

    mutating func restore(users: [FlowMateUser], flows: [FlowMateFlow]) {
        for user in users { self.users[user.id] = user }
        for flow in flows { self.flows[flow.id] = Known(flow: flow) }
        reindex()
    }

    // MARK: Taking over

    private mutating func take(_ flow: FlowMateFlow, _ changes: inout Changes, _ now: Int64?) {
        defer { flows[flow.id] = Known(flow: flow, readAt: now) }
        guard let known = flows[flow.id]?.flow else { return changes.appeared.append(flow.id) }
        if known.updatedAt != flow.updatedAt { changes.updated.append(flow.id) }
        let nothing = FlowContract(inputs: [])
        let differences = (flow.contract ?? nothing).changes(since: known.contract ?? nothing)
        if !differences.isEmpty { changes.contracts[flow.id] = differences }
    }

    private mutating func miss(_ id: String, _ changes: inout Changes) {
        flows[id]?.missed += 1
        guard let missed = flows[id]?.missed, missed >= settings.patience else { return }
        flows[id] = nil
        changes.gone.append(id)
    }

    private mutating func take(_ shown: [FlowMateUser]) {
        let ids = Set(shown.map(\.id))
        for id in users.keys where !ids.contains(id) {
            missedUsers[id, default: 0] += 1
            if missedUsers[id, default: 0] >= settings.patience {
                users[id] = nil
                missedUsers[id] = nil
            }
        }
        for user in shown {
            users[user.id] = user
            missedUsers[user.id] = nil
        }
    }

    /// One flow of many: thousands of them are read one by one.
    private mutating func reindex(_ id: String, ownedBefore before: Set<String>) {
        let owners = Set(owners(of: id).map(\.id))
        for owner in before.subtracting(owners) { flowsByUser[owner]?.removeAll { $0 == id } }
        for owner in owners.subtracting(before) {
            let place = flowsByUser[owner, default: []].firstIndex { $0 > id }
            flowsByUser[owner, default: []].insert(id, at: place ?? flowsByUser[owner, default: []].count)
        }
    }

    private mutating func reindex() {
        usersByName = [:]
        flowsByUser = [:]
        for user in users.values { usersByName[user.username.lowercased(), default: []].append(user.id) }
        for id in flows.keys.sorted() {
            for owner in Set(owners(of: id).map(\.id)) { flowsByUser[owner, default: []].append(id) }
        }
    }
}
