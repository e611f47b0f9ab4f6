import Documents
import Events

/// What rules of one file share.
struct FileContext {
    let source: SourceText
    /// The `defaults` of the file.
    let defaults: YAMLNode?
    let vars: Fields
    let destinations: DestinationTable
    let knownOrgs: [String]?
    let findings: FindingList
}

/// The destinations of the whole set.
struct DestinationTable {
    var byName: [String: Destination] = [:]
    /// Declared, but could not be read: what rules say about them is not judged.
    var broken: Set<String> = []
}

/// One element of `rules` → `Rule`.
struct RuleDecoder {
    static let maximumDeliveries = 16

    let node: YAMLNode
    let file: FileContext

    private var findings: FindingList { file.findings }

    /// What else the file-wide and set-wide checks want to know.
    struct Decoded {
        var rule: Rule
        var node: YAMLNode
        var usedVars: Set<String>
    }

    /// - Returns: nil where the rule is too incomplete to say more about it; findings say why.
    func decode() -> Decoded? {
        guard node.isMap, let matchEntry = node.entry("match"),
            let match = MatchDecoder(entry: matchEntry, findings: findings, knownOrgs: file.knownOrgs).decode()
        else { return nil }
        let id = node.text("id") ?? ""
        let labels = labels()
        let uses = TemplateUses()
        let scope = TemplateScope(
            ruleID: id, labels: labels, vars: file.vars, isPlatform: match.isPlatform, uses: uses)
        let needs = needs()
        let rule = Rule(
            id: id, mode: mode(), labels: labels, match: match, needs: needs, onGap: onGap(),
            deliveries: deliveries(scope), location: file.source.location((node["id"] ?? node).position))
        RuleMeaning(rule: rule, node: node, uses: uses, file: file).check()
        return Decoded(rule: rule, node: node, usedVars: uses.vars)
    }

    /// The rule's own value, or that of the file's defaults.
    private func inherited(_ key: String) -> YAMLNode? { node[key] ?? file.defaults?[key] }

    private func labels() -> Fields {
        var labels = Fields()
        for holder in [file.defaults, node] {
            for entry in holder?["labels"]?.entries ?? [] {
                if let text = entry.value.scalar?.text { labels[entry.key] = .string(text) }
            }
        }
        return labels
    }

    private func mode() -> Rule.Mode {
        ModeCheck(findings: findings).check(node)
        return inherited("mode")?.scalar.flatMap { Rule.Mode(rawValue: $0.text) } ?? .live
    }

    private func onGap() -> Rule.GapPolicy {
        inherited("onGap")?.scalar.flatMap { Rule.GapPolicy(rawValue: $0.text) } ?? .skip
    }

    private func needs() -> Rule.Needs? {
        guard let needs = node["needs"], needs.isMap else { return nil }
        let missing = needs.text("missing") ?? "skip"
        if missing == "fetch", let value = needs["missing"] {
            findings.report(
                .notSupported, at: value, "reading missing fields is not available in this version",
                hint: "write missing: skip or missing: fail")
        }
        return Rule.Needs(fields: needs.fieldNames("fields") ?? [], missing: .init(rawValue: missing) ?? .skip)
    }

    private func deliveries(_ scope: TemplateScope) -> [DeliverySpec] {
        guard let to = node["to"] else { return [] }
        if to.elements.count > Self.maximumDeliveries {
            findings.report(.tooLong, at: to, "a rule has at most \(Self.maximumDeliveries) deliveries")
        }
        return to.elements.prefix(Self.maximumDeliveries).compactMap { element in
            guard element.isMap else { return nil }
            return DeliveryDecoder(node: element, scope: scope, file: file, retry: retry(element)).decode()
        }
    }

    private func retry(_ delivery: YAMLNode) -> RetryLimits {
        var limits = RetryLimits()
        let retry = delivery["retry"] ?? file.defaults?["retry"]
        if let horizon = retry?.milliseconds("for") { limits.horizonMilliseconds = horizon }
        limits.maximumAttempts = retry?.integer("max")
        let onError = delivery["onError"] ?? file.defaults?["onError"]
        if let policy = onError?.scalar.flatMap({ RetryLimits.OnError(rawValue: $0.text) }) { limits.onError = policy }
        return limits
    }
}

/// Words of `mode` and `onGap` that this version cannot do, in a rule or in `defaults`.
struct ModeCheck {
    let findings: FindingList

    func check(_ node: YAMLNode) {
        if node.text("mode") == "shadow", let value = node["mode"] {
            findings.report(
                .notSupported, at: value, "shadow rules are not available in this version", hint: "write mode: off")
        }
        if node.text("onGap") == "fetch", let value = node["onGap"] {
            findings.report(
                .notSupported, at: value, "reading records back after a gap is not available in this version",
                hint: "write onGap: skip or onGap: deliver, and re-read by a rule with change: [gap, overflow]")
        }
    }
}
