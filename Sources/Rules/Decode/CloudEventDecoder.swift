import Documents

/// `format`, `body`, `data` and `cloudevent` of a webhook delivery → its content.
struct CloudEventDecoder {
    /// Attributes of the specification: extensions cannot take their names.
    static let reserved: Set<String> = [
        "id", "source", "specversion", "type", "datacontenttype", "dataschema", "subject", "time", "data", "data_base64",
    ]

    let delivery: DeliveryDecoder

    private var node: YAMLNode { delivery.node }
    private var findings: FindingList { delivery.findings }

    func content() -> WebhookSpec.Content? {
        let format = node.text("format") ?? "json"
        guard format != "json" else { return plain() }
        let trees = delivery.parser(.body)
        // Another word was reported with the key.
        guard format.hasPrefix("cloudevents") else {
            for key in ["body", "data"] { _ = node[key].flatMap(trees.tree) }
            _ = event(isBinary: false, .list([]))
            return nil
        }
        var data: YAMLNode?
        if let body = node.entry("body") {
            findings.report(
                .bothGiven, at: body, "'body' and 'format: \(format.shortened)' cannot both be given",
                hint: "write 'data': the CloudEvent is made around it")
            data = node["data"]
        } else {
            data = delivery.required("data", "format \(format.shortened)")
        }
        let template = data.flatMap(trees.tree)
        let event = event(isBinary: format == "cloudevents-binary", template ?? .list([]))
        return template == nil ? nil : event
    }

    private func event(isBinary: Bool, _ data: Template) -> WebhookSpec.Content {
        let texts = delivery.parser(.text)
        let attributes = node["cloudevent"]
        return .event(
            CloudEventSpec(
                isBinary: isBinary, type: attributes?["type"].flatMap(texts.text),
                source: attributes?["source"].flatMap(texts.text), subject: attributes?["subject"].flatMap(texts.text),
                extensions: extensions(attributes), data: data))
    }

    private func plain() -> WebhookSpec.Content? {
        if let data = node.entry("data") {
            findings.report(
                .wrongKind, at: data, "'data' is only for format cloudevents or destinations of kind flowmate",
                hint: "write 'body'")
            // One of the two is what was meant.
            for tree in [data.value, node["body"]].compactMap({ $0 }) { _ = delivery.parser(.body).tree(tree) }
            return nil
        }
        if let attributes = node.entry("cloudevent") {
            findings.report(
                .wrongKind, at: attributes, "'cloudevent' is only for format cloudevents",
                hint: "add format: cloudevents")
        }
        guard let body = delivery.required("body", "a delivery to a webhook") else { return nil }
        return delivery.parser(.body).tree(body).map { .json($0) }
    }

    private func extensions(_ attributes: YAMLNode?) -> [WebhookSpec.Header] {
        (attributes?["extensions"]?.entries ?? []).compactMap { entry in
            guard Self.isName(entry.key) else {
                findings.report(
                    .badValue, at: entry, "'\(entry.key.shortened)' is not the name of a CloudEvents extension",
                    hint: "lower-case letters and digits, 20 at most, and none of the standard attributes")
                return nil
            }
            return delivery.parser(.header).text(entry.value).map { WebhookSpec.Header(name: entry.key, value: $0) }
        }
    }

    private static func isName(_ name: String) -> Bool {
        (1...20).contains(name.utf8.count) && !reserved.contains(name)
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
    }
}
