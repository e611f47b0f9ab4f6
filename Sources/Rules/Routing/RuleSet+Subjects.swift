extension RuleSet {
    /// Objects and platform events that rules name, each with the IDs of these rules, in order of their names. Rules that
    /// are off are left out.
    package var subjects: [(name: String, rules: [String])] {
        var rules: [String: [String]] = [:]
        for rule in self.rules where rule.mode != .off {
            switch rule.match.subject {
            case .anyEntity: break
            case .entities(let names), .events(let names): for name in names { rules[name, default: []].append(rule.id) }
            }
        }
        return rules.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The destinations of a rule; empty for one that is not here.
    package func destinations(of rule: String) -> Set<String> {
        Set(rules.first { $0.id == rule }?.deliveries.map(\.destination) ?? [])
    }
}
