import Events

/// A label of a rule, as metrics and log lines carry it.
package struct RuleLabel: Sendable, Equatable {
    /// Of one rule, in the order of the file; further ones are for its expressions only.
    static let maximumCount = 16
    static let maximumNameCharacters = 64
    static let maximumValueCharacters = 200

    /// `label_team`: letters, digits and underscores, as metrics need them.
    package let name: String
    package let value: String

    /// Of two names that become the same the first stands.
    package static func labels(_ fields: Fields) -> [RuleLabel] {
        var labels: [RuleLabel] = []
        for field in fields.fields where labels.count < maximumCount {
            guard case .string(let text) = field.value else { continue }
            let name = "label_" + String(field.name.prefix(maximumNameCharacters).map(allowed))
            guard !labels.contains(where: { $0.name == name }) else { continue }
            labels.append(RuleLabel(name: name, value: String(text.prefix(maximumValueCharacters))))
        }
        return labels
    }

    private static func allowed(_ character: Character) -> Character {
        character.isASCII && (character.isLetter || character.isNumber) ? character : "_"
    }
}

extension RuleSet {
    /// Of a rule; none if it is not here.
    package func labels(of rule: String) -> [RuleLabel] {
        rules.first { $0.id == rule }.map { RuleLabel.labels($0.labels) } ?? []
    }

    /// By rule, of those that have any.
    package var labels: [String: [RuleLabel]] {
        Dictionary(
            rules.filter { !$0.labels.isEmpty }.map { ($0.id, RuleLabel.labels($0.labels)) },
            uniquingKeysWith: { first, _ in first })
    }
}
