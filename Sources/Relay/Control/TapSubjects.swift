import Documents
import Events

/// What a running relay has that a tap can be narrowed to. A filter that names nothing of it would wait for ever.
struct TapSubjects: Sendable {
    /// Of a long list, so many are named.
    static let maximumNames = 20

    var topics: [String]
    var rules: [String]
    var destinations: [String]

    /// The same filter, with topics in full.
    func checked(_ filter: TapFilter) throws(ControlError) -> TapFilter {
        var filter = filter
        filter.topics = filter.topics.flatMap { name in
            let meant = topics.filter { TopicName.means(name, $0) }
            return meant.isEmpty ? [name] : meant
        }
        try check(filter.topics, "topic", among: topics)
        try check(filter.rules, "rule", among: rules)
        try check(filter.destinations, "destination", among: destinations)
        return filter
    }

    private func check(_ wanted: [String], _ kind: String, among known: [String]) throws(ControlError) {
        guard let wrong = wanted.first(where: { !known.contains($0) }) else { return }
        let names = Set(known).sorted()
        var text = "the running relay has no \(kind) '\(wrong)', so nothing of it would ever pass"
        if let hint = Suggestion.hint(for: wrong, in: names) { text += ": \(hint)" } else { text += "." }
        guard !names.isEmpty else { throw ControlError(.badInput, "\(text) It has no \(kind)s at all.") }
        text += " It has \(names.prefix(Self.maximumNames).joined(separator: ", "))"
        let more = names.count - Self.maximumNames
        throw ControlError(.badInput, text + (more > 0 ? " and \(more) more." : "."))
    }
}
