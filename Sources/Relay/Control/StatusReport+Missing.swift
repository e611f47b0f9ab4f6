import Rules

extension StatusReport {
    /// The rules and destinations that there are: those in force, or, without a relay, those of the files.
    struct RuleNames {
        var rules: Set<String>
        var destinations: Set<String>

        init(_ live: LiveStatus) {
            rules = Set(live.monitor.rules.snapshot.keys)
            destinations = Set(live.dispatch.destinations.filter { !$0.isMissing }.map(\.name))
        }

        init(_ files: RuleSet) {
            rules = Set(files.ruleIDs)
            destinations = Set(files.destinations.keys)
        }
    }

    /// Tells destinations that no rule file names any more, whether something waits for them or is dead, and whether
    /// they left before this relay started or while it ran. One that left nothing behind is not shown.
    ///
    /// - Parameter deadRules: whose dead letters each destination has.
    mutating func tellMissing(_ names: RuleNames, deadRules: [String: [String]]) {
        destinations.removeAll { !names.destinations.contains($0.name) && $0.pending == 0 && $0.deadLetters == 0 }
        for index in destinations.indices {
            if names.destinations.contains(destinations[index].name) {
                destinations[index].isBack()
            } else {
                let rules = deadRules[destinations[index].name] ?? []
                destinations[index].isMissing(known: rules.filter(names.rules.contains), of: rules)
            }
        }
    }
}

extension StatusReport.Destination {
    private static let missing = "missing"

    /// As the last relay left it, it was missing; the files name it by now.
    fileprivate mutating func isBack() {
        guard state == Self.missing else { return }
        (state, detail, since, nextTry) = ("ok", "", nil, nil)
    }

    /// - Parameters:
    ///   - known: those of the rules that there still are.
    ///   - rules: of its dead letters.
    fileprivate mutating func isMissing(known: [String], of rules: [String]) {
        state = Self.missing
        nextTry = nil
        var parts = ["no rule file names it any more"]
        if pending > 0 { parts.append("what waits for it is kept until `sluice destination drop`") }
        if deadLetters > 0 { parts.append(advice(known: known, gone: rules.filter { !known.contains($0) })) }
        detail = parts.joined(separator: "; ")
    }

    /// Built anew, a dead letter goes where its rule sends it today: if there is such a rule.
    private func advice(known: [String], gone: [String]) -> String {
        let retry = "`sluice dlq retry --render --destination \(name)` sends its dead letters where today's rules do"
        guard !gone.isEmpty else { return retry }
        let left = "rule\(gone.count == 1 ? "" : "s") \(gone.joined(separator: ", "))"
        guard known.isEmpty else { return "\(retry), except those of \(left), gone as well" }
        return "\(left) of its dead letters \(gone.count == 1 ? "is" : "are") gone as well: bring back what they need, or "
            + "`sluice dlq drop --destination \(name)`"
    }
}
