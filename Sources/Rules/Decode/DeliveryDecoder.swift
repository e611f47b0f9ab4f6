import Documents
import Events

/// One element of `to` → `DeliverySpec`, read by the kind of its destination.
struct DeliveryDecoder {
    let node: YAMLNode
    let scope: TemplateScope
    let file: FileContext
    let retry: RetryLimits

    private var findings: FindingList { file.findings }

    /// - Returns: nil if something is missing or wrong; findings say what.
    func decode() -> DeliverySpec? {
        guard let name = node["destination"], let text = name.scalar?.text else { return nil }
        guard !file.destinations.broken.contains(text) else { return nil }
        guard let destination = file.destinations.byName[text] else {
            findings.report(
                .unknownDestination, at: name, "no destination is named '\(text.shortened)'",
                hint: Suggestion.hint(for: text, in: file.destinations.byName.keys.sorted()))
            return nil
        }
        checkKinds(destination)
        guard let target = target(destination) else { return nil }
        return DeliverySpec(
            destination: text, lane: lane(), target: target, retry: retry, location: file.source.location(node.position)
        )
    }

    private func checkKinds(_ destination: Destination) {
        for entry in node.entries {
            guard let kinds = DeliveryKeys.delivery.key(entry.key)?.kinds, !kinds.contains(destination.kind.rawValue)
            else { continue }
            findings.report(
                .wrongKind, at: entry, destination.kind.refusal(of: entry.key, for: kinds, name: destination.name))
        }
        if let coalesce = node.entry("coalesce"), destination.kind != .integrator || node.entry("flow") == nil {
            findings.report(
                .notSupported, at: coalesce, "this version coalesces runs of integrator.io flows only",
                hint: "leave 'coalesce' out: each event is then delivered by itself")
        }
    }

    private func target(_ destination: Destination) -> DeliverySpec.Target? {
        switch destination.kind {
        case .webhook: webhook(destination)
        case .flowmate: flow()
        case .integrator: integrator(destination)
        }
    }

    private func lane() -> TextTemplate? { node["key"].flatMap(parser(.text).text) }

    func parser(_ place: TemplateScope.Place, isCoalesced: Bool = false) -> TemplateParser {
        var scope = scope
        scope.place = place
        scope.isCoalesced = isCoalesced
        return TemplateParser(scope: scope, source: file.source, findings: findings)
    }

    private func required(_ key: String, _ why: String, hint: String? = nil) -> YAMLNode? {
        if let value = node[key] { return value }
        findings.report(
            .missingKey, in: node.source, at: node.position, "\(why) needs '\(key)'", hint: hint)
        return nil
    }

    // MARK: webhook

    private func webhook(_ destination: Destination) -> DeliverySpec.Target? {
        if let format = node["format"], let word = format.scalar?.text, word.hasPrefix("cloudevents") {
            findings.report(
                .notSupported, at: format, "'\(word)' is not available in this version",
                hint: "write the whole request under 'body'")
            return nil
        }
        if let data = node.entry("data") {
            findings.report(
                .wrongKind, at: data, "'data' is only for format cloudevents or destinations of kind flowmate",
                hint: "write 'body'")
            return nil
        }
        let path = path(destination)
        let headers = headers()
        guard let body = required("body", "a delivery to a webhook"), let template = parser(.body).tree(body) else {
            return nil
        }
        return .webhook(method: node.text("method") ?? "POST", path: path, headers: headers, body: template)
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

    private func headers() -> [DeliverySpec.Header] {
        (node["headers"]?.entries ?? []).compactMap { entry in
            HeaderCheck(findings: findings).check(entry)
            return parser(.header).text(entry.value).map { DeliverySpec.Header(name: entry.key, value: $0) }
        }
    }

    // MARK: FlowMate

    private func flow() -> DeliverySpec.Target? {
        if let conform = node.entry("conform"), conform.value.scalar?.text != "off" {
            findings.report(
                .notSupported, at: conform,
                "comparing data with the flow's parameters is not available in this version",
                hint: "write conform: off, or leave it out")
        }
        guard node.entry("fanOut") == nil,  // reported by the key table
            let flow = required("flow", "a delivery to a flowmate destination"),
            let id = parser(.text).text(flow),
            let data = required(
                "data", "a delivery to a flowmate destination", hint: "it is posted as {\"data\": ...}"),
            let template = parser(.body).tree(data)
        else { return nil }
        return .flow(id: id, data: template)
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
        case (let flow?, nil): return RunDecoder(node: node, delivery: self, findings: findings).decode(flow.value)
        case (nil, let listener?): return self.listener(listener.value, destination)
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
