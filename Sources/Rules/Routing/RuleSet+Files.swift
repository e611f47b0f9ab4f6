import Documents

extension RuleSet {
    /// Only those rules that stand in one of the files; every destination stays.
    ///
    /// - Parameter isIncluded: asked with a file's path, as findings name it.
    package func keepingRules(ofFiles isIncluded: (String) -> Bool) -> RuleSet {
        RuleSet(rules: rules.filter { isIncluded($0.location.path) }, destinations: destinations, hash: hash)
    }

    /// Where each rule stands, in order. Rules that are off are left out.
    package var ruleLocations: [(id: String, location: SourceLocation)] {
        rules.filter { $0.mode != .off }.map { ($0.id, $0.location) }
    }
}
