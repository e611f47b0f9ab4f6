import Documents

/// Warnings about the set as a whole.
struct SetMeaning {
    let findings: FindingList
    let rules: [RuleDecoder.Decoded]

    func check(_ destinations: [YAMLNode.Entry]) {
        checkUnused(destinations)
        checkGaps()
        SameRules(rules: rules, findings: findings).check()
        checkIndexed()
    }

    private func checkUnused(_ destinations: [YAMLNode.Entry]) {
        let used = rules.reduce(into: Set<String>()) { used, decoded in
            for element in decoded.node["to"]?.elements ?? [] {
                if let name = element.text("destination") { used.insert(name) }
            }
        }
        // A rule that could not be read may be the one that uses it.
        guard !findings.hasErrors else { return }
        for entry in destinations where !used.contains(entry.key) {
            findings.report(.unused, .warning, at: entry, "destination '\(entry.key.shortened)' is never used")
        }
    }

    /// Rules that leave gap events out, on objects whose gaps no rule takes either.
    private func checkGaps() {
        var covered: [String: Set<ChangeKind>] = [:]
        var coveredOfAny: Set<ChangeKind> = []
        let live = rules.filter { $0.rule.mode == .live }
        for decoded in live where takesGaps(decoded.rule) || decoded.rule.onGap != .skip {
            let kinds = takesGaps(decoded.rule) ? Set(ChangeKind.allCases) : decoded.rule.match.changes
            switch decoded.rule.match.subject {
            case .anyEntity: coveredOfAny.formUnion(kinds)
            case .entities(let names): for name in names { covered[name, default: []].formUnion(kinds) }
            case .events: break
            }
        }
        for decoded in live
        where decoded.rule.onGap == .skip && !takesGaps(decoded.rule) && !decoded.rule.match.changes.isEmpty {
            let missed = decoded.rule.match.changes.subtracting(coveredOfAny)
            switch decoded.rule.match.subject {
            case .anyEntity: if !missed.isEmpty { report(decoded, "any object") }
            case .entities(let names):
                let open = names.filter { !missed.isSubset(of: covered[$0] ?? []) }
                if !open.isEmpty { report(decoded, open.joined(separator: ", ")) }
            case .events: break
            }
        }
    }

    /// Rules for every object without anything to find them by are looked at for each event.
    private func checkIndexed() {
        guard rules.count > Self.manyRules else { return }
        for decoded in rules where decoded.rule.match.subject == .anyEntity && !Indexable.hasAny(decoded.rule) {
            guard let match = decoded.node.entry("match") else { continue }
            findings.report(
                .notIndexed, .warning, at: match, "this rule is evaluated for every event of every object",
                hint: "name the objects, or compare a field with a literal")
        }
    }

    static let manyRules = 100

    private func takesGaps(_ rule: Rule) -> Bool {
        !rule.match.changes.isDisjoint(with: ChangeKind.gaps.union([.overflow]))
    }

    private func report(_ decoded: RuleDecoder.Decoded, _ names: String) {
        let message = "gap events of \(names.shortened) reach no rule: those changes are missed"
        let hint = "add a rule with change: [gap, overflow], or write onGap: fetch"
        if let entry = decoded.node.entry("onGap") {
            findings.report(.gapUncovered, .warning, at: entry, message, hint: hint)
        } else if let entry = decoded.node.entry("match") {
            findings.report(.gapUncovered, .warning, at: entry, message, hint: hint)
        }
    }
}
