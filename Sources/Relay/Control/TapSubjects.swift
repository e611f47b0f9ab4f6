import Events

/// What a running relay has that a tap can be narrowed to. A filter that names nothing of it would wait for ever.
struct TapSubjects: Sendable {
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
        throw ControlError(
            .badInput,
            UnknownName.text(
                "the running relay has no \(kind) '\(wrong)', so nothing of it would ever pass", wrong, among: known,
                has: "It has", hasNone: "It has no \(kind)s at all."))
    }
}
