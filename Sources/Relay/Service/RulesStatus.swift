/// Which rules are in force, and whether the files say something else by now.
package struct RulesStatus: Sendable, Equatable, Codable {
    /// An edit that is not in force, since something is wrong with it. The set before it goes on.
    package struct Broken: Sendable, Equatable, Codable {
        /// Findings are kept up to this; `rules lint` shows them all.
        package static let maximumCharacters = 4_000

        /// Epoch milliseconds.
        package var at: Int64
        package var errors: Int
        /// The findings, with file, line and column.
        package var text: String

        package init(at: Int64, errors: Int, text: String) {
            self.at = at
            self.errors = errors
            self.text = text.count > Self.maximumCharacters ? text.prefix(Self.maximumCharacters) + "…\n" : text
        }
    }

    /// 1 for the set of the start; one more with every set that is put in force.
    package var generation: Int
    /// Of the files' contents.
    package var hash: String
    package var loadedAt: Int64
    package var rules: Int
    package var destinations: Int
    /// Reloads that put nothing in force, since the start.
    package var failures: Int
    package var broken: Broken?
}

/// What came of a reload.
package struct ReloadAnswer: Sendable, Equatable, Codable {
    package enum Outcome: String, Sendable, Codable { case loaded, unchanged, refused }

    package var outcome: Outcome
    package var status: RulesStatus
    package var rulesAdded: Int
    package var rulesRemoved: Int
    package var destinationsAdded: [String]
    package var destinationsRemoved: [String]
    package var destinationsChanged: [String]
    /// Warnings, or what is wrong.
    package var text: String
    /// From the request until the set was in force.
    package var milliseconds: Int64
}
