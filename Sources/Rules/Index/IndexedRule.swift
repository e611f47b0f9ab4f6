import CEL

/// What the index needs to know of a rule.
struct IndexedRule {
    /// Its place among all rules of the set.
    var number: Int
    var match: MatchBlock
    var when: CELExpression?
    var gaps: IndexGapRole
    /// Fields that `needs` asks for, unless their lack just means that the rule does not match.
    var deferred: [String] = []
    var constants = IndexConstants()

    /// The lanes whose events the rule may match.
    var lanes: [IndexLane] {
        var lanes: [IndexLane] = []
        for kind in ChangeKind.allCases {
            if match.changes.contains(kind) {
                lanes.append(IndexLane(kind))
            } else if let underlying = kind.underlying, match.changes.contains(underlying) {
                switch gaps {
                case .deliver: lanes.append(IndexLane(kind))
                case .fetch: lanes.append(IndexLane(fetched: kind))
                case .skip: break
                }
            }
        }
        return lanes
    }
}
