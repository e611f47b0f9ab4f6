extension RuleSet {
    /// Whether the set was made from exactly these files.
    package func isMade(of sources: [RuleSource]) -> Bool { hash == Self.contentHash(of: sources) }
}
