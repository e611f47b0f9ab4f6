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
        guard let name = node["destination"], let text = name.scalar?.text else { return nil }
        guard !file.destinations.broken.contains(text) else { return nil }
        guard let destination = file.destinations.byName[text] else {
            reportUnknown(text, at: name)
            return nil
        }
        checkKinds(destination)
        let isRun = destination.kind == .integrator && node.entry("flow") != nil
        let coalesce = node["coalesce"].map {
            CoalesceDecoder(node: $0, parser: eventParser(.text), isRun: isRun, findings: findings).decode()
        }
        let when = node["when"].flatMap { compiler.expression($0, .deliveryWhen) }
        let lane = node["key"].flatMap(parser(.text).text)
        guard let target = target(destination) else { return nil }
        return DeliverySpec(
            destination: text, when: when, lane: lane, coalesce: coalesce, target: target, retry: retry,
            location: file.source.location(node.position))
    }

    private func reportUnknown(_ text: String, at name: YAMLNode) {
        guard file.destinations.isComplete else { return }
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
        TemplateParser(expressions: compiler, place: place)
    }

    func required(_ key: String, _ why: String, hint: String? = nil) -> YAMLNode? {
        if let value = node[key] { return value }
        guard !DeliveryKeys.delivery.isMisspelt(key, in: node) else { return nil }
        findings.report(
            .missingKey, in: node.source, at: node.position, "\(why) needs '\(key)'", hint: hint)
        return nil
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
            let second = flow.keyPosition > listener.keyPosition ? flow : listener
            findings.report(
                .bothGiven, at: second, "'flow' and 'listener' cannot both be given", hint: "write two deliveries")
            return nil
        case (nil, nil):
            findings.report(
                .missingKey, in: node.source, at: node.position,
                "a delivery to an integrator destination needs 'flow' or 'listener'")
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
        guard let id = parser(.text).text(flow) else { return nil }
        let times = parser(.time)
        return .run(
            RunSpec(
                flow: id, exports: node.texts("exports").map { $0.lowercased() },
                from: node["window"]?["from"].flatMap(times.time), until: node["window"]?["until"].flatMap(times.time)))
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
