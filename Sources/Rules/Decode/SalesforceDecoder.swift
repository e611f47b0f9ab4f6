import Documents
import Events

/// A delivery to a Salesforce org → the call of its REST API that does the same for one record: `PATCH
/// /sobjects/<object>/<id>`. The sink gathers such calls.
struct SalesforceDecoder {
    static let verbs = ["create", "update", "upsert", "publish"]

    let delivery: DeliveryDecoder

    private var node: YAMLNode { delivery.node }
    private var findings: FindingList { delivery.findings }

    /// - Returns: nil if something is missing or wrong; findings say what.
    func decode() -> WebhookSpec? {
        let given = node.entries.filter { Self.verbs.contains($0.key) }
        guard let verb = given.first else {
            findings.report(
                .missingKey, in: node.source, at: node.position,
                "a delivery to a salesforce destination needs 'create', 'update', 'upsert' or 'publish'",
                hint: "the API name of the object or platform event stands behind it")
            delivery.readTemplates()
            return nil
        }
        if given.count > 1 {
            findings.report(
                .bothGiven, at: given[1], "'\(verb.key)' and '\(given[1].key)' cannot both be given",
                hint: "write two deliveries")
            delivery.readTemplates()
            return nil
        }
        let object = object(verb)
        let path = path(verb.key, object ?? "")
        let fields = delivery.required("fields", "a delivery to a salesforce destination").flatMap(
            delivery.parser(.body).tree)
        guard object != nil, let path, let fields else { return nil }
        let method = ["update", "upsert"].contains(verb.key) ? "PATCH" : "POST"
        return WebhookSpec(method: method, path: path, headers: [], content: .json(fields))
    }

    private func object(_ verb: YAMLNode.Entry) -> String? {
        guard let name = verb.value.scalar?.text else { return nil }
        let isName = !name.isEmpty && name.unicodeScalars.allSatisfy { $0.isWord && $0.isASCII }
        guard isName, (verb.key == "publish") == name.hasSuffix("__e") else {
            findings.report(
                .badValue, at: verb.value,
                "\(verb.value.kindInWords) is not the API name of \(verb.key == "publish" ? "a platform event" : "an object")",
                hint: verb.key == "publish" ? "such as Order_Done__e" : "such as Account or sfy24__ProductionOrder__c")
            return nil
        }
        return name
    }

    private func path(_ verb: String, _ object: String) -> TextTemplate? {
        for (key, owner) in [("id", "update"), ("externalId", "upsert")] where verb != owner {
            guard let entry = node.entry(key) else { continue }
            findings.report(.bothGiven, at: entry, "'\(verb)' and '\(key)' cannot both be given", hint: "'\(key)' is for '\(owner)'")
            return nil
        }
        let start = TextTemplate.Piece.literal("/sobjects/\(object)")
        switch verb {
        case "update":
            guard let id = delivery.required("id", "'update'", hint: "such as ${recordId}"),
                let template = delivery.parser(.text).text(id)
            else { return nil }
            return TextTemplate(pieces: [start, .literal("/")] + encoded(template))
        case "upsert":
            guard let external = delivery.required("externalId", "'upsert'", hint: "{field: ..., value: ...}"),
                let field = external.text("field"), let value = external["value"],
                let template = delivery.parser(.text).text(value)
            else { return nil }
            return TextTemplate(pieces: [start, .literal("/\(field)/")] + encoded(template))
        default: return TextTemplate(pieces: [start])
        }
    }

    /// Computed pieces are encoded when they are.
    private func encoded(_ template: TextTemplate) -> [TextTemplate.Piece] {
        template.pieces.map { piece in
            if case .literal(let text) = piece { .literal(PercentEncoding.segment(text)) } else { piece }
        }
    }
}
