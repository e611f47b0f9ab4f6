import Events
import Rules

/// The destinations in force, and what it takes to go over to those of another rule set: only what changed is made anew.
struct DestinationTable: Sendable {
    struct Entry: Sendable {
        var definition: Destination
        /// What its references stood for when it was made.
        var secrets: [Secret]
        var ready: ReadyDestination

        var dispatch: DispatchDestination {
            DispatchDestination(ready)
        }
    }

    /// The way from one table to another.
    struct Plan: Sendable {
        var table: DestinationTable
        var added: [String] = []
        var changed: [String] = []
        var removed: [String] = []
        /// What keeps the plan from being carried out.
        var findings: [String] = []
        /// Runners that go on with other settings: theirs, and where the settings are.
        var adoptions: [(runner: FlowRunner, from: FlowRunner)] = []
        var started: [FlowRunner] = []
        var stopped: [FlowRunner] = []
        /// Watches know nothing that a new one does not find out.
        var watches: (started: [ListenerWatch], stopped: [ListenerWatch]) = ([], [])

        var isEmpty: Bool { added.isEmpty && changed.isEmpty && removed.isEmpty }
    }

    private(set) var entries: [String: Entry] = [:]

    /// By name.
    var dispatch: [DispatchDestination] { entries.values.map(\.dispatch).sorted { $0.name < $1.name } }

    func plan(for definitions: [String: Destination], factory: SinkFactory, secrets: SecretStore) -> Plan {
        var plan = Plan(table: DestinationTable())
        for (name, definition) in definitions.sorted(by: { $0.key < $1.key }) {
            let resolved = definition.secretReferences.compactMap { try? secrets.resolve($0) }
            if let entry = entries[name], entry.definition == definition, entry.secrets == resolved {
                plan.table.entries[name] = entry
                continue
            }
            let made = factory.make(definition)
            plan.findings += made.findings.map(\.description)
            guard let ready = made.ready else { continue }
            plan.add(Entry(definition: definition, secrets: resolved, ready: ready), replacing: entries[name])
        }
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) where definitions[name] == nil {
            plan.removed.append(name)
            if let runner = entry.ready.runner { plan.stopped.append(runner) }
            if let watch = entry.ready.watch { plan.watches.stopped.append(watch) }
        }
        return plan
    }
}

extension DestinationTable.Plan {
    /// A runner keeps what it knows about its runs: only how it calls is replaced.
    fileprivate mutating func add(_ entry: DestinationTable.Entry, replacing old: DestinationTable.Entry?) {
        var entry = entry
        let name = entry.ready.name
        if old == nil { added.append(name) } else { changed.append(name) }
        switch (old?.ready.runner, entry.ready.runner) {
        case (let runner?, let fresh?):
            adoptions.append((runner, fresh))
            entry.ready.runner = runner
        case (let runner?, nil): stopped.append(runner)
        case (nil, let fresh?): started.append(fresh)
        case (nil, nil): break
        }
        watches.stopped += [old?.ready.watch].compactMap(\.self)
        watches.started += [entry.ready.watch].compactMap(\.self)
        table.set(entry)
    }
}

extension DestinationTable {
    fileprivate mutating func set(_ entry: Entry) { entries[entry.ready.name] = entry }
}

extension Destination {
    /// Every secret that the destination names, in a fixed order.
    var secretReferences: [SecretReference] {
        var found: [SecretReference] = (auth?.reference).map { [$0] } ?? []
        found += sign?.secretsNamed ?? []
        if let key = tls.key { found.append(key) }
        for (_, listener) in listeners.sorted(by: { $0.key < $1.key }) {
            found.append(listener.url)
            if let reference = listener.auth?.reference { found.append(reference) }
            found += listener.sign?.secretsNamed ?? []
        }
        return found
    }
}

extension Destination.Signing {
    fileprivate var secretsNamed: [SecretReference] {
        switch self {
        case .standardWebhooks(let secrets), .hmac(_, _, _, _, let secrets): secrets
        }
    }
}
