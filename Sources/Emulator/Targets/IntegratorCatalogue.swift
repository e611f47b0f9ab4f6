import Events

/// The documents of the emulated integrator.io account: flows, exports, imports, connections, and kept values.
struct IntegratorCatalogue: Sendable {
    /// More flows or kept values are refused.
    static let maximumDocuments = 10_000

    /// In the order of their creation.
    var flows: [Fields]
    var exports: [Fields]
    let imports: [Fields]
    var connections: [Fields]
    var state = Fields()

    init() {
        flows = Self.defaultFlows
        exports = Self.defaultExports
        imports = [
            [
                "_id": .string(EmulatorDefaults.integratorImport), "name": .string("To the ERP"),
                "adaptorType": .string("HTTPImport"),
                "_connectionId": .string(EmulatorDefaults.integratorTargetConnection),
            ]
        ]
        connections = [
            [
                "_id": .string(EmulatorDefaults.integratorConnection), "name": .string("Salesforce"),
                "type": .string("salesforce"), "offline": .bool(false),
            ],
            [
                "_id": .string(EmulatorDefaults.integratorTargetConnection), "name": .string("ERP"),
                "type": .string("http"), "offline": .bool(false),
            ],
        ]
    }

    func flow(_ id: String) -> Fields? { flows.first { $0.id == id } }
    func index(ofFlow id: String) -> Int? { flows.firstIndex { $0.id == id } }

    /// `exports`, `imports`, `connections` or `integrations`; nil for anything else.
    func list(_ kind: String) -> [Fields]? {
        switch kind {
        case "exports": exports
        case "imports": imports
        case "connections": connections
        case "integrations":
            [["_id": .string(EmulatorDefaults.integratorIntegration), "name": .string("Salesforce and ERP")]]
        default: nil
        }
    }

    /// - Parameter value: empty takes the key away, nil leaves it.
    mutating func changeListener(_ key: String, _ value: String?) {
        guard let value, let index = exports.firstIndex(where: { $0.id == EmulatorDefaults.integratorListenerExport }),
            var webhook = exports[index]["webhook"]?.object
        else { return }
        webhook[key] = value.isEmpty ? nil : .string(value)
        exports[index]["webhook"] = .record(webhook)
    }

    func export(_ id: String) -> Fields? { exports.first { $0.id == id } }

    /// IDs of a flow's sources.
    static func sources(_ flow: Fields) -> [String] {
        (flow["pageGenerators"]?.elements ?? []).compactMap { $0.object?["_exportId"]?.string }
    }

    /// Connections of a flow's sources and steps, each once.
    func connections(of flow: Fields) -> [String] {
        let steps = (flow["pageProcessors"]?.elements ?? []).compactMap { $0.object?["_importId"]?.string }
        let resources = exports.filter { Self.sources(flow).contains($0.id) } + imports.filter { steps.contains($0.id) }
        var seen: Set<String> = []
        return resources.compactMap { $0["_connectionId"]?.string }.filter { seen.insert($0).inserted }
    }

    /// A connection of it is offline: its runs stay queued.
    func isOffline(_ flow: Fields) -> Bool {
        let used = connections(of: flow)
        return connections.contains { used.contains($0.id) && $0["offline"] == .bool(true) }
    }

    // MARK: What is there at the start

    private static var defaultFlows: [Fields] {
        func flow(_ id: String, _ name: String, _ export: String, disabled: Bool = false) -> Fields {
            [
                "_id": .string(id), "name": .string(name), "disabled": .bool(disabled),
                "_integrationId": .string(EmulatorDefaults.integratorIntegration), "timezone": .string("Europe/Berlin"),
                "pageGenerators": .list([.record(["_exportId": .string(export), "skipRetries": .bool(false)])]),
                "pageProcessors": .list([
                    .record(["type": .string("import"), "_importId": .string(EmulatorDefaults.integratorImport)])
                ]),
                "createdAt": .string("2026-01-15T08:00:00.000Z"), "lastModified": .string("2026-10-01T12:30:00.000Z"),
            ]
        }
        return [
            flow(EmulatorDefaults.integratorFlow, "Salesforce accounts to ERP", EmulatorDefaults.integratorExport),
            flow(
                EmulatorDefaults.integratorListenerFlow, "Production orders by listener",
                EmulatorDefaults.integratorListenerExport),
            flow(
                EmulatorDefaults.integratorDisabledFlow, "Switched off", EmulatorDefaults.integratorExport,
                disabled: true),
        ]
    }

    private static var defaultExports: [Fields] {
        [
            [
                "_id": .string(EmulatorDefaults.integratorExport), "name": .string("Changed accounts"),
                "type": .string("delta"), "adaptorType": .string("SalesforceExport"),
                "_connectionId": .string(EmulatorDefaults.integratorConnection),
                "delta": .record(["dateField": .string("LastModifiedDate")]),
            ],
            [
                "_id": .string(EmulatorDefaults.integratorListenerExport), "name": .string("Production order listener"),
                "type": .string("webhook"), "adaptorType": .string("WebhookExport"),
                "webhook": .record([
                    "provider": .string("custom"), "verify": .string("secret_url"), "token": .string("******"),
                    "successStatusCode": .int(204),
                ]),
            ],
        ]
    }
}

extension Fields {
    var id: String { self["_id"]?.string ?? "" }
}

extension Value {
    var string: String? { if case .string(let text) = self { text } else { nil } }
    var elements: [Value]? { if case .list(let values) = self { values } else { nil } }
    var object: Fields? { if case .record(let fields) = self { fields } else { nil } }
}
