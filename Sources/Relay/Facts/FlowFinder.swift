import Curl
import Events
import FlowMate
import Logging
import Rules

/// The flows of FlowMate destinations: whose they are (what `fanOut` asks), and what they take (what is checked before a
/// delivery is sent). Performs what each destination's `FlowDirectory` decides, and keeps the directories in the store.
package actor FlowFinder: FlowLookup {
    struct Entry {
        /// What the client was made from.
        var definition: Destination
        var client: FlowMateClient
        /// When its token was last looked up; uptime.
        var lookedAt: Int64
        var directory = FlowDirectory()
        /// Callers that wait for one scan share it.
        var scan: Task<String?, Never>?
        /// Reads of single flows under way.
        var reads: [String: Task<Void, Never>] = [:]
        var failedReads: [String: FailedRead] = [:]
        /// Flows to which something does not fit.
        var violated: Set<String> = []
        /// Names that a scan, made since an event asked for them, did not show: later events believe that.
        var strangers: Set<String> = []
        var timer: Task<Void, Never>?
        var isSaving = false
        var isDirty = false
    }

    /// A flow could not be read: when last and since when (uptime), and why.
    struct FailedRead {
        var at: Int64
        var since: Int64
        var reason: String
        var mayPass = false
    }

    let rules: CurrentRules
    nonisolated let environment: SinkEnvironment
    nonisolated let conforms: ConformTable
    let journal: (any RunJournal)?
    /// What the webhooks took.
    package nonisolated let tally = AcceptedTally()
    /// When a day was last compared; uptime.
    var comparedAt: [String: Int64] = [:]
    /// When a destination's token was last kept from expiring; uptime.
    var keptAliveAt: [String: Int64] = [:]
    /// What did not fit may do so now: called with the destination.
    private let mended: @Sendable (String) async -> Void
    var entries: [String: Entry] = [:]
    private var said = SaidOnce()

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        environment.executors.actors.asUnownedSerialExecutor()
    }

    /// - Parameters:
    ///   - journal: where directories are kept over restarts; nil keeps none.
    ///   - mended: lets deliveries of that destination which wait go on.
    package init(
        rules: CurrentRules, environment: SinkEnvironment, journal: (any RunJournal)? = nil,
        mended: @escaping @Sendable (String) async -> Void = { _ in }
    ) {
        self.rules = rules
        self.environment = environment
        self.journal = journal
        self.mended = mended
        conforms = ConformTable(rules)
    }

    var now: Int64 { environment.clock.uptime }

    // MARK: Opening

    /// Makes sure that there is a client, and a directory as it was saved.
    func open(_ name: String) async throws(FactFailure) {
        guard let definition = rules.current.destinations[name] else {
            throw FactFailure(reason: "no rule file names the destination \(name) any more", isTemporary: true)
        }
        if let entry = entries[name], entry.definition == definition { return renewCredential(name, definition) }
        let parts = DestinationParts(definition, secrets: environment.secrets)
        guard parts.findings.isEmpty else {
            throw FactFailure(reason: parts.findings.map(\.description).joined(separator: "; "), isTemporary: true)
        }
        let client = FlowMateClient(settings: parts.flowMate(definition, environment), http: environment.http)
        let isElsewhere = entries[name].map { $0.definition.url != definition.url } ?? false
        let saved = isElsewhere ? nil : await savedDirectory(name, definition)
        // Somebody else may have been faster.
        if let entry = entries[name], entry.definition == definition { return }
        entries[name]?.timer?.cancel()
        var entry = Entry(definition: definition, client: client, lookedAt: now)
        entry.directory = FlowDirectory(settings: FlowDirectory.Settings(definition.discovery))
        if let saved { entry.directory = saved }
        entries[name] = entry
    }

    /// What was read meanwhile is of the FlowMate that rules name now.
    func isStill(_ definition: Destination, _ name: String) -> Bool { entries[name]?.definition == definition }

    // MARK: Saying

    func say(_ level: Logger.Level, once key: String, _ text: String) {
        if said.isNew(key) { environment.logger.log(level: level, "\(text)") }
    }

    /// Takes over what was read of one or all flows: says what it breaks, keeps it, and lets go on what waited for it.
    func took(_ changes: FlowDirectory.Changes, _ name: String) {
        guard !changes.isEmpty, let entry = entries[name] else { return }
        let uses = rules.current.flowMateUses(of: name)
        for (flow, contract) in changes.contracts.sorted(by: { $0.key < $1.key }) where !contract.isEmpty {
            let isBreaking = contract.contains(where: \.isBreaking)
            let concerned = FlowMap.rules(of: flow, in: entry.directory, uses: uses)
            environment.logger.log(
                level: isBreaking && !concerned.isEmpty ? .warning : .info,
                """
                \(name): \(title(of: flow, entry)) takes other parameters now: \
                \(contract.map(\.description).joined(separator: "; "))\(Self.concerned(concerned, isBreaking))
                """)
        }
        save(name)
        let changed = Set(changes.updated + changes.contracts.keys + changes.gone)
        guard !entry.violated.isDisjoint(with: changed) else { return }
        entries[name]?.violated.subtract(changed)
        let mended = mended
        Task { await mended(name) }
    }

    private static func concerned(_ rules: [String], _ isBreaking: Bool) -> String {
        if rules.isEmpty { return "" }
        return (isBreaking ? "; what these rules send may not fit any more: " : "; rules that send to it: ")
            + rules.joined(separator: ", ")
    }

    /// A flow's ID is all that its webhook asks for, so it is not shown whole.
    func title(of flow: String, _ entry: Entry?) -> String {
        let name = entry?.directory.flow(flow)?.name ?? ""
        return name.isEmpty ? "flow …\(flow.suffix(4))" : "flow '\(name)' (…\(flow.suffix(4)))"
    }

    // MARK: Keeping

    private static let journalFlow = "directory"
    /// A directory that is larger is read anew after a restart.
    static let maximumSavedBytes = 16 << 20

    private static func journalName(_ name: String) -> String { "flowmate:\(name)" }

    private func savedDirectory(_ name: String, _ definition: Destination) async -> FlowDirectory? {
        guard let journal else { return nil }
        do {
            let saved = try await journal.runStates(of: Self.journalName(name))
            let settings = FlowDirectory.Settings(definition.discovery)
            guard let bytes = saved[Self.journalFlow] else { return nil }
            return await Task.detached(executorPreference: environment.executors.beside) {
                FlowDirectory(saved: bytes, settings: settings)
            }.value
        } catch {
            environment.logger.warning("cannot read what was known of the flows of \(name): \(error)")
            return nil
        }
    }

    private func save(_ name: String) {
        guard let journal, let entry = entries[name] else { return }
        guard !entry.isSaving else {
            entries[name]?.isDirty = true
            return
        }
        entries[name]?.isSaving = true
        let directory = entry.directory
        // Thousands of flows are megabytes of JSON, and this actor's thread moves all bytes of the process.
        Task.detached(executorPreference: environment.executors.beside) {
            var problem: (any Error)?
            let bytes = directory.saved
            if bytes.count <= Self.maximumSavedBytes {
                do {
                    try await journal.saveRunState(bytes, destination: Self.journalName(name), flow: Self.journalFlow)
                } catch {
                    problem = error
                }
            }
            await self.saved(name, problem)
        }
    }

    private func saved(_ name: String, _ problem: (any Error)?) {
        entries[name]?.isSaving = false
        if let problem {
            environment.logger.warning("cannot keep what is known of the flows of \(name): \(problem)")
        }
        guard entries[name]?.isDirty == true else { return }
        entries[name]?.isDirty = false
        save(name)
    }
}

/// Which lines were said already. Forgets all when it is full, and so says them again.
struct SaidOnce {
    static let maximumLines = 1_000
    private var lines: Set<String> = []

    mutating func isNew(_ line: String) -> Bool {
        if lines.count >= Self.maximumLines { lines.removeAll() }
        return lines.insert(line).inserted
    }
}

extension FlowDirectory.Settings {
    package init(_ discovery: Destination.Discovery) {
        self.init()
        refresh = discovery.refresh.milliseconds
        templates = discovery.templates
    }
}

extension RuleSet {
    /// Which rules deliver to which flows of a FlowMate destination, in the order of the rules.
    package func flowMateUses(of destination: String) -> [FlowMap.RuleUse] {
        flowUses(of: destination).map { use in
            switch use.choice {
            case .flow(let id): FlowMap.RuleUse(rule: use.rule, choice: .flow(id))
            case .anyFlow: FlowMap.RuleUse(rule: use.rule, choice: .anyFlow)
            case .fanOut(let activeOnly):
                FlowMap.RuleUse(rule: use.rule, choice: .usersFlows(activeOnly ? .active : .all))
            }
        }
    }
}
