import CEL
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
    /// A snapshot of the org's objects; nil leaves names and types of fields unchecked.
    let schema: OrgSchema?
    /// What expressions see as `vars`, one for all rules.
    let varsObject: CELValue

    init(
        source: SourceText, defaults: YAMLNode?, vars: Fields, destinations: DestinationTable, knownOrgs: [String]?,
        schema: OrgSchema? = nil, findings: FindingList
    ) {
        self.source = source
        self.defaults = defaults
        self.vars = vars
        self.destinations = destinations
        self.knownOrgs = knownOrgs
        self.schema = schema
        self.findings = findings
        varsObject = .object(CompoundObject(vars))
    }
}

/// The destinations of the whole set.
struct DestinationTable {
    var byName: [String: Destination] = [:]
    /// Declared, but could not be read: what rules say about them is not judged.
    var broken: Set<String> = []
    /// Texts of files that could not be read at all: what is not found may stand there.
    var unread: [String] = []

    func isUnknown(_ name: String) -> Bool {
        byName[name] == nil && !broken.contains(name) && !unread.contains { $0.contains(name) }
    }
}

/// One element of `rules` → `Rule`.
struct RuleDecoder {
    static let maximumDeliveries = 16
    static let maximumLets = 64

    let node: YAMLNode
    let file: FileContext

    private var findings: FindingList { file.findings }

    /// What else the file-wide and set-wide checks want to know.
    struct Decoded {
        var rule: Rule
        var node: YAMLNode
        var uses: ExpressionUses
    }

    /// - Returns: nil where it is not known which events the rule takes. What is wrong apart from that is reported
    ///   all the same.
    func decode() -> Decoded? {
        guard node.isMap else { return nil }
        let known = node.entry("match").flatMap {
            MatchDecoder(entry: $0, findings: findings, knownOrgs: file.knownOrgs).decode()
        }
        var scope = ExpressionScope()
        scope.isPlatform = known?.isPlatform ?? false
        scope.entities = known.flatMap { file.schema?.entities(of: $0.subject) } ?? []
        scope.names.record = scope.entities.recordTypes
        for field in file.vars.fields { scope.names.vars[field.name] = CELType(of: field.value) }
        var compiler = ExpressionCompiler(
            scope: scope, file: file.source, findings: findings, uses: ExpressionUses())
        let lets = lets(&compiler)
        let when = node["when"].flatMap { compiler.expression($0, .when) }
        let deliveries = deliveries(compiler)
        guard var match = known else { return nil }
        // What a rule writes into an org must not set it off again.
        for name in Set(deliveries.map(\.destination)).sorted() {
            guard let destination = file.destinations.byName[name], destination.kind == .salesforce else { continue }
            if !match.ignoredClients.contains(destination.client) { match.ignoredClients.append(destination.client) }
        }
        let rule = Rule(
            id: node.text("id") ?? "", mode: mode, labels: labels(), bodies: bodies, match: match, lets: lets,
            needs: needs(),
            when: when, onGap: onGap, deliveries: deliveries, location: file.source.location((node["id"] ?? node).position),
            vars: file.varsObject)
        RuleMeaning(rule: rule, node: node, uses: compiler.uses, file: file, entities: scope.entities).check()
        return Decoded(rule: rule, node: node, uses: compiler.uses)
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

    private var mode: Rule.Mode {
        inherited("mode")?.scalar.flatMap { Rule.Mode(rawValue: $0.text) } ?? .live
    }

    private var bodies: BodyDisplay {
        inherited("bodies")?.scalar.flatMap { BodyDisplay(rawValue: $0.text) } ?? .full
    }

    private var onGap: Rule.GapPolicy {
        inherited("onGap")?.scalar.flatMap { Rule.GapPolicy(rawValue: $0.text) } ?? .fetch
    }

    /// Each may use those before it.
    private func lets(_ compiler: inout ExpressionCompiler) -> [Rule.Let] {
        guard let entry = node.entry("let") else { return [] }
        if entry.value.entries.count > Self.maximumLets {
            findings.report(.tooLong, at: entry, "a rule has at most \(Self.maximumLets) names under 'let'")
        }
        compiler.scope.laterLets = Set(entry.value.entries.map(\.key))
        var lets: [Rule.Let] = []
        for binding in entry.value.entries.prefix(Self.maximumLets) {
            // A broken one still has a name: what uses it is not wrong as well.
            let expression = compiler.expression(binding.value, .letValue(binding.key))
            compiler.scope.laterLets.remove(binding.key)
            compiler.scope.names.lets[binding.key] = expression?.type ?? .dyn
            guard let expression else { continue }
            lets.append(Rule.Let(name: binding.key, expression: expression))
            guard let tree = compiler.uses.uses.last?.tree else { continue }
            OneEvent.visit(tree.root, lets: compiler.scope.eventLets) { _, _ in
                compiler.scope.eventLets.insert(binding.key)
            }
        }
        compiler.scope.laterLets = []
        return lets
    }

    private func needs() -> Rule.Needs? {
        guard let needs = node["needs"], needs.isMap else { return nil }
        return Rule.Needs(
            fields: needs.fieldNames("fields") ?? [],
            missing: needs.text("missing").flatMap(Rule.Needs.Missing.init) ?? .skip)
    }

    private func deliveries(_ compiler: ExpressionCompiler) -> [DeliverySpec] {
        guard let to = node["to"] else { return [] }
        if to.elements.count > Self.maximumDeliveries {
            findings.report(.tooLong, at: to, "a rule has at most \(Self.maximumDeliveries) deliveries")
        }
        return to.elements.prefix(Self.maximumDeliveries).compactMap { element in
            guard element.isMap else { return nil }
            return DeliveryDecoder(node: element, compiler: compiler, file: file, retry: retry(element)).decode()
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

extension ExpressionCompiler {
    /// A key that holds an expression as it is, without `${}`.
    func expression(_ node: YAMLNode, _ place: ExpressionPlace) -> RuleExpression? {
        guard let scalar = node.scalar, !node.isNull else { return nil }
        let scalars = Array(scalar.text.unicodeScalars)
        let positions = ScalarPositions(scalar, at: node.position, in: node.source)
        return compile(ExpressionText(scalars, 0..<scalars.count, positions, path: node.source.path), place)
    }
}

extension CELType {
    /// Of a constant.
    init(of value: Value) {
        switch value {
        case .null: self = .null
        case .bool: self = .bool
        case .int: self = .int
        case .double: self = .double
        case .string: self = .string
        case .bytes: self = .bytes
        case .timestamp: self = .timestamp
        case .list(let values):
            let types = Set(values.map { CELType(of: $0) })
            self = .list(types.count == 1 ? types.first! : .dyn)
        case .record: self = .map(.string, .dyn)
        }
    }
}
