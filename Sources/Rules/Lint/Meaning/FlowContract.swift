import CEL
import Documents

/// `data` of deliveries to FlowMate flows whose input parameters the snapshot knows, as far as files tell types.
struct FlowContract {
    let node: YAMLNode
    let schema: OrgSchema?
    let file: FileContext
    let uses: ExpressionUses

    private var findings: FindingList { file.findings }

    /// Contracts of users' flows that are told of.
    static let maximumContracts = 10

    func check() {
        guard let schema, !schema.flows.isEmpty || !schema.ownedFlows.isEmpty else { return }
        for delivery in node["to"]?.elements ?? [] {
            guard let data = delivery["data"], data.isMap, let severity = severity(delivery["conform"])
            else { continue }
            let optional = delivery["conform"]?.texts("optional") ?? []
            if let flow = delivery["flow"], let id = flow.scalar?.text, let parameters = schema.flows[id] {
                reportUnknown(data, parameters)
                compare(data, parameters, at: flow, severity, "the flow", optional)
            } else if let fanOut = delivery["fanOut"], let destination = delivery.text("destination") {
                // A condition on the flow may leave those out that do not fit.
                let severity = fanOut.entry("where") == nil ? severity : .warning
                checkOwned(schema.ownedFlows[destination] ?? [], data, fanOut, severity, optional)
            }
        }
    }

    /// Flows of users, those with the same parameters together.
    private func checkOwned(
        _ flows: [OwnedFlow], _ data: YAMLNode, _ fanOut: YAMLNode, _ severity: Finding.Severity, _ optional: [String]
    ) {
        var contracts: [[FlowParameter]] = []
        for flow in flows where !flow.parameters.isEmpty && !contracts.contains(flow.parameters) {
            contracts.append(flow.parameters)
        }
        guard !contracts.isEmpty else { return }
        reportUnknown(data, contracts.flatMap(\.self))
        for contract in contracts.prefix(Self.maximumContracts) {
            let names = flows.filter { $0.parameters == contract }.map(\.name)
            let who =
                names.count == 1
                ? "the user's flow '\(names[0].shortened)'" : "\(names.count) users' flows like '\(names[0].shortened)'"
            compare(data, contract, at: fanOut, severity, who, optional)
        }
    }

    /// Nil with `conform: off`.
    private func severity(_ conform: YAMLNode?) -> Finding.Severity? {
        switch conform?.scalar?.text ?? conform?.text("mode") {
        case "off": nil
        case "warn": .warning
        default: .error
        }
    }

    private func reportUnknown(_ data: YAMLNode, _ parameters: [FlowParameter]) {
        for entry in data.entries where !parameters.contains(where: { $0.name == entry.key }) {
            let free = parameters.map(\.name).filter { data.entry($0) == nil }
            let meant = Suggestion.nearest(to: entry.key, in: free)
            findings.report(
                .contract, .warning, at: entry, "the flow has no input parameter '\(entry.key.shortened)'",
                hint: meant.map { "did you mean '\($0)'?" } ?? "it has \(Self.list(parameters))",
                fix: meant.flatMap {
                    Fix(replacing: entry.key, with: $0, at: entry.keyPosition, in: entry.value.source)
                })
        }
    }

    /// - Parameter who: in words: `the flow`.
    private func compare(
        _ data: YAMLNode, _ parameters: [FlowParameter], at place: YAMLNode, _ severity: Finding.Severity,
        _ who: String, _ optional: [String]
    ) {
        for entry in data.entries {
            guard let parameter = parameters.first(where: { $0.name == entry.key }) else { continue }
            guard let given = kind(of: entry.value), given != parameter.type else { continue }
            findings.report(
                .contract, severity, at: entry.value,
                who == "the flow"
                    ? "the flow's input parameter '\(entry.key)' is a \(parameter.type), this is a \(given)"
                    : "input parameter '\(entry.key)' of \(who) is a \(parameter.type), this is a \(given)")
        }
        let missing = parameters.map(\.name).filter { name in
            data.entry(name) == nil && !optional.contains(name)
                && !data.entries.contains { Suggestion.nearest(to: $0.key, in: [name]) != nil }
        }
        guard !missing.isEmpty else { return }
        let names = missing.map { "'\($0)'" }.joined(separator: ", ")
        findings.report(
            .contract, severity, at: place,
            "'data' lacks \(names), which \(who) \(who.hasPrefix("the") ? "takes" : "take")",
            hint: "add it, or list it under conform: {optional: [...]}")
    }

    private static func list(_ parameters: [FlowParameter]) -> String {
        parameters.map(\.name).joined(separator: ", ").shortened
    }

    /// `string`, `number` or `boolean`, where the file tells.
    private func kind(of value: YAMLNode) -> String? {
        guard let scalar = value.scalar else { return nil }
        guard scalar.text.hasInterpolation else {
            guard scalar.style == .plain else { return "string" }
            switch CoreScalar(scalar.text) {
            case .bool: return "boolean"
            case .int, .double: return "number"
            case .text: return "string"
            case .null, .unusableNumber: return nil
            }
        }
        // Text around an expression makes it text.
        guard scalar.text.trimmedOfSpace.hasPrefix("${"), let use = use(at: value) else { return nil }
        return Self.kind(of: use.check.type)
    }

    /// The expression that is the whole value.
    private func use(at value: YAMLNode) -> ExpressionUses.Use? {
        guard let scalar = value.scalar else { return nil }
        let inner = scalar.text.trimmedOfSpace.dropFirst(2).dropLast()
        return uses.uses.first { use in
            use.source.text == inner && use.source.position(at: 0).line >= value.position.line
                && use.source.position(at: 0) > value.position
        }
    }

    private static func kind(of type: CELType) -> String? {
        switch type {
        case .string, .timestamp, .duration, .bytes: "string"
        case .int, .uint, .double: "number"
        case .bool: "boolean"
        case .nullable(let type), .optional(let type): kind(of: type)
        default: nil
        }
    }
}
