import Documents
import Rules
import Salesforce
import Store

/// A filter that finds nothing may be one that was misspelt: 0 would then be taken for an answer.
extension DeadLetterDesk {
    /// Of rules that are gone there may still be dead letters.
    func checkNames(_ filter: DeadLetterFilter) async throws(ControlError) {
        try await checkTopic(filter)
        let today = rules.current
        // While today's rules cannot be read, nothing can be said of a name.
        let isKnown = !today.ruleIDs.isEmpty || !today.destinations.isEmpty
        guard isKnown, filter.rule != nil || filter.destination != nil else { return }
        let store = store
        let dead = try await stored { () async throws(StoreError) in try await store.deadLetterRules() }
        try check(filter.rule, "rule", among: today.ruleIDs + dead.values.joined())
        try check(filter.destination, "destination", among: Array(today.destinations.keys) + dead.keys)
    }

    /// Each ID, or beginning of one, is that of a dead letter: otherwise nothing is done about any of them.
    func checkIDs(_ filter: DeadLetterFilter) async throws(ControlError) {
        let store = store
        for id in filter.ids {
            let one = DeadLetterFilter(ids: [id])
            let count = try await stored { () async throws(StoreError) in try await store.deadLetterCount(one) }
            guard count == 0 else { continue }
            throw ControlError(.badInput, "there is no dead letter '\(id)'. `sluice dlq list` shows them.")
        }
    }

    /// One that nothing came of yet is not known here: only what looks like another one is refused.
    func checkTopic(_ filter: DeadLetterFilter) async throws(ControlError) {
        guard let topic = filter.topic else { return }
        let store = store
        let topics = try await stored { () async throws(StoreError) in
            Set(try await store.cursors().map(\.key.topic) + store.deadTopics())
        }
        // Whole, or what comes after a slash.
        let names = topics.sorted() + topics.compactMap { $0.split(separator: "/").last.map(String.init) }.sorted()
        guard !names.contains(topic), let hint = Suggestion.hint(for: topic, in: names) else { return }
        throw ControlError(.badInput, "nothing is known of a topic '\(topic)': \(hint)")
    }

    /// Aliases of orgs by their IDs.
    func orgNames() async throws(ControlError) -> [String: String] {
        let orgs = orgs
        let ids = try await stored { () async throws(StoreError) in try await orgs.ids() }
        return Dictionary(ids.map { ($1, $0) }) { min($0, $1) }
    }

    /// - Parameter name: an alias or an ID.
    func namedOrg(_ name: String) async throws(ControlError) -> (alias: String, id: String) {
        let orgs = orgs
        let ids = try await stored { () async throws(StoreError) in try await orgs.ids() }
        if let id = ids[name] { return (name, id) }
        let id = OrgID(name)?.description ?? name
        if let alias = ids.filter({ $0.value == id }).keys.min() { return (alias, id) }
        // Of an org that is gone there may still be dead letters.
        if OrgID(name) != nil { return (name, id) }
        throw ControlError(
            .badInput,
            UnknownName.text(
                "no org is named '\(name)'", name, among: Array(ids.keys), has: "There is",
                hasNone: "No org has been signed in to yet."))
    }

    private func check(_ name: String?, _ kind: String, among known: [String]) throws(ControlError) {
        guard let name, !known.contains(name) else { return }
        throw ControlError(
            .badInput,
            UnknownName.text(
                "no \(kind) is named '\(name)', neither by today's rules nor by a dead letter", name, among: known,
                has: "There is", hasNone: "There is no \(kind) at all."))
    }

    /// What cannot restrict them must not look as if it did.
    func checkedQuarantine(_ filter: DeadLetterFilter) async throws(ControlError) -> DeadLetterFilter {
        let filter = try await checked(filter, isQuarantine: true)
        guard filter.rule == nil, filter.destination == nil, filter.reason == nil else {
            throw ControlError(
                .badInput,
                "an event in quarantine has no rule, destination or reason yet: leave --rule, --destination and --reason out.")
        }
        return filter
    }
}
