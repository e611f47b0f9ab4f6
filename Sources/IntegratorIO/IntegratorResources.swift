import Events

/// A flow as `GET /flows/{id}` shows it; only what decides whether it can be run.
package struct IntegratorFlow: Sendable, Equatable {
    package var id: String
    package var name: String
    package var disabled: Bool
    /// A template for other flows, which cannot run itself.
    package var isAbstract: Bool
    /// Its sources.
    package var exports: [String]
    package var steps: [Step] = []
    package var integration: String?
    /// Six fields, the first always `?`.
    package var schedule: String?
    package var lastModified: String?
    package var lastExecutedAt: String?
    /// What was found out about its sources and connections; nothing if it was not asked.
    package var findings: [FlowActivation.Finding] = []

    package enum Step: Sendable, Hashable {
        case importer(String)
        /// An export that is asked in the middle of a flow.
        case lookup(String)
    }

    package init(
        id: String, name: String = "", disabled: Bool = false, isAbstract: Bool = false, exports: [String] = []
    ) {
        self.id = id
        self.name = name
        self.disabled = disabled
        self.isAbstract = isAbstract
        self.exports = exports
    }

    /// Nil without an ID.
    package init?(_ json: Value) {
        guard let id = json["_id"]?.text else { return nil }
        let generators = json["pageGenerators"]?.list ?? []
        // Old flows name their one source at the top.
        let sources = generators.isEmpty ? [json["_exportId"]?.text] : generators.map { $0["_exportId"]?.text }
        self.init(
            id: id, name: json["name"]?.text ?? "", disabled: json["disabled"]?.flag ?? false,
            isAbstract: json["isAbstract"]?.flag ?? false, exports: sources.compactMap(\.self))
        steps = Self.steps(json)
        integration = json["_integrationId"]?.text
        schedule = json["schedule"]?.text
        lastModified = json["lastModified"]?.text
        lastExecutedAt = json["lastExecutedAt"]?.text
    }

    /// The steps behind the sources, wherever the flow's branches place them.
    private static func steps(_ json: Value) -> [Step] {
        let branches = (json["routers"]?.list ?? []).flatMap { $0["branches"]?.list ?? [] }
        let processors = (json["pageProcessors"]?.list ?? []) + branches.flatMap { $0["pageProcessors"]?.list ?? [] }
        let steps = processors.compactMap { step in
            step["_importId"]?.text.map(Step.importer) ?? step["_exportId"]?.text.map(Step.lookup)
        }
        return steps + (json["_importId"]?.text.map { [.importer($0)] } ?? [])
    }

    /// Why it cannot be run now; nil when it can.
    package var obstacle: String? {
        if isAbstract { return "the flow is abstract: a template for other flows" }
        if disabled { return "the flow is disabled; enable it in integrator.io" }
        return findings.first { $0.effect == .blocks }?.description
    }
}

/// An export (a source of a flow), as far as a relay checks it.
package struct IntegratorExport: Sendable, Equatable {
    package var id: String
    package var name: String
    /// `delta`, `webhook`, `distributed`, …; empty for a plain one.
    package var type: String
    package var connection: String?
    /// `webhook.pathToRecords` of a listener.
    package var pathToRecords: String?
    /// `webhook.verify` of a listener: `secret_url`, `token`, `hmac` or `basic`; others may come.
    package var verification: String?
    /// A request, body or query of it names `lastExportDateTime`.
    package var usesWindow: Bool

    package init(
        id: String, name: String = "", type: String = "", connection: String? = nil, pathToRecords: String? = nil,
        usesWindow: Bool = false
    ) {
        self.id = id
        self.name = name
        self.type = type
        self.connection = connection
        self.pathToRecords = pathToRecords
        self.usesWindow = usesWindow
    }

    package var isListener: Bool { type == "webhook" }

    /// Only delta exports, and those that name the bound themselves, look at a run's window.
    package var honoursWindow: Bool { type == "delta" || usesWindow }

    /// Nil without an ID.
    init?(_ json: Value, body: [UInt8]) {
        guard let id = json["_id"]?.text else { return nil }
        let fallback = json["adaptorType"]?.text == "WebhookExport" ? "webhook" : ""
        let verify = json["webhook"]?["verify"]
        self.init(
            id: id, name: json["name"]?.text ?? "", type: json["type"]?.text ?? fallback,
            connection: json["_connectionId"]?.text, pathToRecords: json["webhook"]?["pathToRecords"]?.text,
            usesWindow: body.contains(Array("lastExportDateTime".utf8)))
        verification = verify?.text ?? verify?["type"]?.text
    }
}

/// A connection; offline ones keep runs queued.
package struct IntegratorConnection: Sendable, Equatable {
    package var name: String
    package var offline: Bool

    init(_ json: Value) {
        name = json["name"]?.text ?? ""
        offline = json["offline"]?.flag ?? false
    }
}

/// `GET /tokenInfo`.
package struct IntegratorTokenInfo: Sendable, Equatable {
    package var scope: String
    package var user: String?

    init(_ json: Value) {
        scope = json["scope"]?.text ?? ""
        user = json["_userId"]?.text
    }
}

extension [UInt8] {
    /// Whether `text` occurs anywhere.
    fileprivate func contains(_ text: [UInt8]) -> Bool {
        guard let first = text.first, count >= text.count else { return false }
        return indices.dropLast(text.count - 1).contains { index in
            self[index] == first && self[index..<(index + text.count)].elementsEqual(text)
        }
    }
}
