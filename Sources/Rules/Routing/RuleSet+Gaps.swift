extension RuleSet {
    /// Rules that take a gap event of this object as the change that it stands for, once its record was read.
    package func gapReaders(of entity: String) -> Set<String> {
        Set(
            rules.lazy.filter { rule in
                guard rule.mode != .off, rule.onGap == .fetch, rule.match.changes.isDisjoint(with: ChangeKind.gaps) else {
                    return false
                }
                return switch rule.match.subject {
                case .anyEntity: true
                case .entities(let entities): entities.contains(entity)
                case .events: false
                }
            }.map(\.id))
    }
}

extension RuleSet {
    /// Objects that such rules name, in alphabetical order.
    package var gapReadEntities: [String] {
        let named = rules.lazy.filter { $0.mode != .off && $0.onGap == .fetch }.flatMap { rule -> [String] in
            if case .entities(let entities) = rule.match.subject { entities } else { [] }
        }
        return Set(named).sorted()
    }
}
