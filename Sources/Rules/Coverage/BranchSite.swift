import Documents

/// A place of a rule that can go either way.
package struct BranchSite: Hashable, Sendable {
    package enum Kind: String, Sendable {
        /// The rule itself: matching and not matching.
        case rule
        /// The condition of `? :`.
        case conditional
        /// One side of `||`.
        case alternative
    }

    package var rule: String
    package var kind: Kind
    package var location: SourceLocation
    /// As written; of a rule its ID.
    package var text: String
}

/// How often tests took each of the branches both ways.
package struct BranchCoverage: Sendable {
    private struct Seen {
        var wasTrue = false
        var wasFalse = false
    }

    private var seen: [BranchSite: Seen] = [:]
    private var order: [BranchSite] = []

    package init() {}

    /// Makes sites known that nothing may ever have reached.
    package mutating func add(_ sites: [BranchSite]) {
        for site in sites where seen[site] == nil {
            seen[site] = Seen()
            order.append(site)
        }
    }

    package mutating func saw(_ site: BranchSite, _ way: Bool) {
        add([site])
        if way { seen[site]?.wasTrue = true } else { seen[site]?.wasFalse = true }
    }

    /// Ways that there are, and those that were taken.
    package var total: Int { order.count * 2 }
    package var taken: Int { seen.values.reduce(0) { $0 + ($1.wasTrue ? 1 : 0) + ($1.wasFalse ? 1 : 0) } }
    /// From 0 to 100; a set without rules is covered.
    package var percent: Double { total == 0 ? 100 : Double(taken) * 100 / Double(total) }

    /// Ways that no test took, in the order of the rules.
    package var missing: [(site: BranchSite, way: Bool)] {
        order.flatMap { site -> [(BranchSite, Bool)] in
            guard let seen = seen[site] else { return [] }
            return (seen.wasTrue ? [] : [(site, true)]) + (seen.wasFalse ? [] : [(site, false)])
        }
    }
}
