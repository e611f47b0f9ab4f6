import Events

/// Which rules an event of some entity and kind could match: one dictionary look-up, then only those rules.
struct RuleIndex: Sendable {
    /// How a rule takes events of a kind.
    enum Role: Sendable {
        /// `match` names the kind.
        case direct
        /// A gap event that is taken as the change it stands for (`onGap: deliver`).
        case gapAsChange(ChangeKind)
        /// A gap or overflow event that the rule leaves out, counted.
        case gapSkipped
    }

    struct Candidate: Sendable {
        /// Index into the rules.
        var rule: Int
        var role: Role
    }

    /// Per kind, in rule order.
    private struct Partition: Sendable {
        var byKind = [[Candidate]](repeating: [], count: ChangeKind.allCases.count)
    }

    private var entities: [String: Partition] = [:]
    private var events: [String: [Candidate]] = [:]
    /// Rules for every object: what counts for entities that no rule names.
    private var anyEntity = Partition()

    init(_ rules: [Rule]) {
        for rule in rules {
            if case .entities(let names) = rule.match.subject {
                for name in names { entities[name] = Partition() }
            }
        }
        for (number, rule) in rules.enumerated() where rule.mode == .live { add(rule, number) }
    }

    func candidates(_ entity: String, _ kind: ChangeKind) -> [Candidate] {
        kind == .platform ? events[entity] ?? [] : (entities[entity] ?? anyEntity).byKind[kind.rawValue]
    }

    private mutating func add(_ rule: Rule, _ number: Int) {
        switch rule.match.subject {
        case .events(let names):
            for name in Set(names) { events[name, default: []].append(Candidate(rule: number, role: .direct)) }
        case .entities(let names):
            for name in Set(names) { Self.file(rule, number, in: &entities[name, default: Partition()]) }
        case .anyEntity:
            for name in entities.keys { Self.file(rule, number, in: &entities[name, default: Partition()]) }
            Self.file(rule, number, in: &anyEntity)
        }
    }

    private static func file(_ rule: Rule, _ number: Int, in partition: inout Partition) {
        for kind in ChangeKind.allCases {
            guard let role = role(of: rule, for: kind) else { continue }
            partition.byKind[kind.rawValue].append(Candidate(rule: number, role: role))
        }
    }

    private static func role(of rule: Rule, for kind: ChangeKind) -> Role? {
        if rule.match.changes.contains(kind) { return .direct }
        if kind == .overflow { return .gapSkipped }
        guard let underlying = kind.underlying, rule.match.changes.contains(underlying) else { return nil }
        return rule.onGap == .deliver ? .gapAsChange(underlying) : .gapSkipped
    }
}
