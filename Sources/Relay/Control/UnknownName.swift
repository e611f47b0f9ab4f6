import Documents

/// What is said about a name that nothing has: the near one if there is one, and which there are.
package enum UnknownName {
    /// Of a long list, so many are named.
    static let maximumNames = 20

    /// - Parameters:
    ///   - problem: without its full stop.
    ///   - has: how the list of names begins; `hasNone` stands in its place where there are none.
    package static func text(
        _ problem: String, _ name: String, among known: some Sequence<String>, has: String, hasNone: String
    ) -> String {
        let names = Set(known).sorted()
        let text = Suggestion.hint(for: name, in: names).map { "\(problem): \($0)" } ?? "\(problem)."
        guard !names.isEmpty else { return "\(text) \(hasNone)" }
        let more = names.count - maximumNames
        return "\(text) \(has) \(names.prefix(maximumNames).joined(separator: ", "))\(more > 0 ? " and \(more) more." : ".")"
    }
}
