import Documents
import Events

/// One element of `to` → `DeliverySpec`, read by the kind of its destination.
struct DeliveryDecoder {
    let node: YAMLNode
    /// In the scope of the rule: one event.
    let compiler: ExpressionCompiler
    let file: FileContext
    let retry: RetryLimits

    var findings: FindingList { file.findings }

    /// - Returns: nil if something is missing or wrong; findings say what.
    func decode() -> DeliverySpec? {
        let name = node["destination"]?.scalar?.text
        let known = name.flatMap { file.destinations.byName[$0] }
        checkName()
        if let known { checkKinds(known) }
        let isRun = known?.kind == .integrator && node.entry("flow") != nil
        let coalesce = node["coalesce"].map {
            CoalesceDecoder(node: $0, parser: eventParser(.text), isRun: isRun, findings: findings).decode()
        }
        let when = node["when"].flatMap { eventCompiler.expression($0, .deliveryWhen) }
        let lane = node["key"].flatMap(parser(.text).text)
        guard let known else {
            readTemplates()
            return nil
        }
        guard let target = target(known) else { return nil }
        return DeliverySpec(
            destination: known.name, when: when, lane: lane, coalesce: coalesce, target: target, retry: retry,
            location: file.source.location(node.position))
    }

    private func checkName() {
        guard let name = node["destination"], let text = name.scalar?.text, file.destinations.isUnknown(text) else { return }
        let names = file.destinations.byName.keys.sorted()
        findings.report(
            .unknownDestination, at: name, "no destination is named '\(text.shortened)'",
            hint: Suggestion.hint(for: text, in: names))
    }

    private func checkKinds(_ destination: Destination) {
        for entry in node.entries {
            guard let kinds = DeliveryKeys.delivery.key(entry.key)?.kinds, !kinds.contains(destination.kind.rawValue)
            else { continue }
            findings.report(
                .wrongKind, at: entry, destination.kind.refusal(of: entry.key, for: kinds, name: destination.name))
        }
    }

    private func target(_ destination: Destination) -> DeliverySpec.Target? {
        switch destination.kind {
        case .webhook: webhook(destination).map { .webhook($0) }
        case .flowmate: FlowDecoder(delivery: self).decode().map { .flow($0) }
        case .integrator: integrator(destination)
        case .salesforce: SalesforceDecoder(delivery: self).decode().map { .webhook($0) }
        }
    }

    /// Templates that are computed when the delivery is made: from a batch, where it gathers one.
    func parser(_ place: ExpressionPlace) -> TemplateParser {
        var compiler = compiler
        compiler.scope.isCoalesced = node.entry("coalesce") != nil && node["coalesce"]?.text("mode") != "latest"
        compiler.scope.batchLimit = compiler.scope.isCoalesced ? node["coalesce"]?.integer("limit") ?? 1_000 : 1
        compiler.scope.isFanOut = node.entry("fanOut") != nil
        return TemplateParser(expressions: compiler, place: place)
    }

    /// Templates that are computed from each event.
    func eventParser(_ place: ExpressionPlace) -> TemplateParser {
        TemplateParser(expressions: eventCompiler, place: place)
    }

    private var eventCompiler: ExpressionCompiler {
        var compiler = compiler
        compiler.scope.isGathered = node.entry("coalesce") != nil
        return compiler
    }

    func required(_ key: String, _ why: String, hint: String? = nil) -> YAMLNode? {
        if let value = node[key] { return value }
        guard !DeliveryKeys.delivery.isMisspelt(key, in: node) else { return nil }
        findings.report(
            .missingKey, in: node.source, at: node.position, "\(why) needs '\(key)'", hint: hint)
        return nil
    }

    /// Where the kind of destination is not known, and with it which keys belong together: what they compute is told all
    /// the same if it is wrong.
    func readTemplates() {
        let (trees, texts, headers, times) = (parser(.body), parser(.text), parser(.header), parser(.time))
        for key in ["body", "data", "fields"] { _ = node[key].flatMap(trees.tree) }
        for key in ["flow", "path", "id"] { _ = node[key].flatMap(texts.text) }
        for key in ["type", "source", "subject"] { _ = node["cloudevent"]?[key].flatMap(texts.text) }
        for key in ["from", "until"] { _ = node["window"]?[key].flatMap(times.time) }
        for entry in node["headers"]?.entries ?? [] { _ = headers.text(entry.value) }
        for entry in node["cloudevent"]?["extensions"]?.entries ?? [] { _ = headers.text(entry.value) }
        _ = node["externalId"]?["value"].flatMap(texts.text)
        _ = node["fanOut"]?["user"].flatMap(eventParser(.text).text)
        _ = node["fanOut"]?["where"].flatMap { trees.expressions.expression($0, .flowCondition) }
    }

    // MARK: webhook

    private func webhook(_ destination: Destination) -> WebhookSpec? {
        let path = path(destination)
        let headers = headers()
        guard let content = CloudEventDecoder(delivery: self).content() else { return nil }
        return WebhookSpec(method: node.text("method") ?? "POST", path: path, headers: headers, content: content)
    }

    private func path(_ destination: Destination) -> TextTemplate? {
        guard let path = node["path"] else {
            return destination.hasTrailingSlash ? TextTemplate(pieces: [.literal("/")]) : nil
        }
        if destination.url.contains("?") {
            findings.report(
                .badValue, at: path, "a path cannot be appended to the URL of '\(destination.name)', which has a query")
        }
        guard var template = parser(.text).text(path) else { return nil }
        for case .literal(let text) in template.pieces {
            guard text.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value >= 0x7F || $0 == "#" }) else {
                continue
            }
            findings.report(
                .badValue, at: path, "a path cannot hold spaces, '#' or characters beyond ASCII",
                hint: "percent-encode them")
            return nil
        }
        if case .literal(let text) = template.pieces.first, text.hasPrefix("/") || text.hasPrefix("?") {
            return template
        }
        template.pieces.insert(.literal("/"), at: 0)
        return template
    }

    private func headers() -> [WebhookSpec.Header] {
        (node["headers"]?.entries ?? []).compactMap { entry in
            HeaderCheck(findings: findings).check(entry)
            return parser(.header).text(entry.value).map { WebhookSpec.Header(name: entry.key, value: $0) }
        }
    }

    // MARK: integrator.io

    private func integrator(_ destination: Destination) -> DeliverySpec.Target? {
        switch (node.entry("flow"), node.entry("listener")) {
        case (let flow?, let listener?):
            readTemplates()
            let second = flow.keyPosition > listener.keyPosition ? flow : listener
            findings.report(
                .bothGiven, at: second, "'flow' and 'listener' cannot both be given", hint: "write two deliveries")
            return nil
        case (nil, nil):
            findings.report(
                .missingKey, in: node.source, at: node.position,
                "a delivery to an integrator destination needs 'flow' or 'listener'")
            readTemplates()
            return nil
        case (let flow?, nil): return run(flow.value)
        case (nil, let listener?): return self.listener(listener.value, destination)
        }
    }

    private func run(_ flow: YAMLNode) -> DeliverySpec.Target? {
        if let body = node.entry("body") {
            findings.report(.bothGiven, at: body, "'flow' and 'body' cannot both be given", hint: "a run has no body")
        }
        if let key = node.entry("key") {
            findings.report(
                .bothGiven, at: key, "a run has no 'key': runs of one flow go one after another",
                hint: "leave it out; 'coalesce' has a key of its own")
        }
        let id = parser(.text).text(flow)
        let times = parser(.time)
        let from = node["window"]?["from"].flatMap(times.time)
        let until = node["window"]?["until"].flatMap(times.time)
        return id.map {
            .run(RunSpec(flow: $0, exports: node.texts("exports").map { $0.lowercased() }, from: from, until: until))
        }
    }

    private func listener(_ name: YAMLNode, _ destination: Destination) -> DeliverySpec.Target? {
        for key in ["window", "exports"] {
            guard let entry = node.entry(key) else { continue }
            findings.report(.bothGiven, at: entry, "'listener' and '\(key)' cannot both be given")
        }
        guard let text = name.scalar?.text else { return nil }
        if destination.listeners[text] == nil {
            findings.report(
                .unknownDestination, at: name, "'\(destination.name)' has no listener '\(text.shortened)'",
                hint: Suggestion.hint(for: text, in: destination.listeners.keys.sorted()))
        }
        guard let body = required("body", "a delivery to a listener"), let template = parser(.body).tree(body) else {
            return nil
        }
        return .listener(name: text, body: template)
    }
}
