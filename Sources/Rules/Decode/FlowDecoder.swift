import Documents

/// A delivery to FlowMate → `FlowSpec`.
struct FlowDecoder {
    let delivery: DeliveryDecoder

    private var node: YAMLNode { delivery.node }

    func decode() -> FlowSpec? {
        let address = address()
        let data = delivery.required("data", "a delivery to a flowmate destination", hint: "it is posted as {\"data\": ...}")
        guard let template = data.flatMap(delivery.parser(.body).tree), let address else { return nil }
        return FlowSpec(address: address, data: template, conform: conform())
    }

    private func address() -> FlowSpec.Address? {
        switch (node.entry("flow"), node.entry("fanOut")) {
        case (let flow?, let fanOut?):
            let second = flow.keyPosition > fanOut.keyPosition ? flow : fanOut
            delivery.findings.report(
                .bothGiven, at: second, "'flow' and 'fanOut' cannot both be given", hint: "write two deliveries")
            return nil
        case (nil, nil):
            delivery.findings.report(
                .missingKey, in: node.source, at: node.position,
                "a delivery to a flowmate destination needs 'flow' or 'fanOut'")
            return nil
        case (let flow?, nil): return delivery.parser(.text).text(flow.value).map { .flow($0) }
        case (nil, let fanOut?): return self.fanOut(fanOut.value).map { .fanOut($0) }
        }
    }

    private func fanOut(_ fanOut: YAMLNode) -> FanOut? {
        if let coalesce = node.entry("coalesce") {
            delivery.findings.report(
                .bothGiven, at: coalesce, "'fanOut' and 'coalesce' cannot both be given",
                hint: "gather to one flow, or fan out each event")
        }
        let user = fanOut["user"].flatMap(delivery.eventParser(.text).text)
        var condition: RuleExpression?
        if let expression = fanOut["where"] {
            condition = delivery.parser(.body).expressions.expression(expression, .flowCondition)
        }
        return user.map {
            FanOut(
                user: $0, activeOnly: fanOut.text("flows") != "all", condition: condition,
                limit: fanOut.integer("limit") ?? 100)
        }
    }

    private func conform() -> Conform {
        var conform = Conform()
        guard let given = node["conform"] else { return conform }
        let word = given.scalar?.text ?? given.text("mode")
        conform.mode = word.flatMap(Conform.Mode.init) ?? .strict
        conform.dropsExtraKeys = given.text("extraKeys") != "pass"
        conform.nullable = given.isMap ? given.texts("nullable") : []
        conform.optional = given.isMap ? given.texts("optional") : []
        return conform
    }
}
