import Events

/// How rules take events of a kind.
enum RuleIndex {
    enum Role: Sendable {
        /// `match` names the kind.
        case direct
        /// A gap event that is taken as the change it stands for (`onGap: deliver`).
        case gapAsChange(ChangeKind)
        /// A gap event whose record is read first (`onGap: fetch`).
        case gapReadBack(ChangeKind)
        /// A gap or overflow event that the rule leaves out, counted.
        case gapSkipped
    }

    /// - Returns: nil for a kind that is no business of the rule.
    static func role(of rule: Rule, for kind: ChangeKind) -> Role? {
        if rule.match.changes.contains(kind == .snapshot ? .update : kind) { return .direct }
        if kind == .overflow { return .gapSkipped }
        guard let underlying = kind.underlying, rule.match.changes.contains(underlying) else { return nil }
        return switch rule.onGap {
        case .deliver: .gapAsChange(underlying)
        case .fetch: .gapReadBack(underlying)
        case .skip: .gapSkipped
        }
    }
}
