/// A flow as `GET /flows/{id}` shows it; only what decides whether it can be run.
package struct IntegratorFlow: Sendable, Equatable, Decodable {
    package var id: String
    package var name: String
    package var disabled: Bool
    /// A template for other flows, which cannot run itself.
    package var isAbstract: Bool
    /// Its sources.
    package var exports: [String]

    package init(
        id: String, name: String = "", disabled: Bool = false, isAbstract: Bool = false, exports: [String] = []
    ) {
        self.id = id
        self.name = name
        self.disabled = disabled
        self.isAbstract = isAbstract
        self.exports = exports
    }

    private enum Key: String, CodingKey { case _id, name, disabled, isAbstract, pageGenerators, _exportId }
    private struct Generator: Decodable { var _exportId: String? }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        id = try fields.decode(String.self, forKey: ._id)
        name = (try? fields.decode(String.self, forKey: .name)) ?? ""
        disabled = (try? fields.decode(Bool.self, forKey: .disabled)) ?? false
        isAbstract = (try? fields.decode(Bool.self, forKey: .isAbstract)) ?? false
        let generators = (try? fields.decode([Generator].self, forKey: .pageGenerators)) ?? []
        // Old flows name their one source at the top.
        let legacy = try? fields.decode(String.self, forKey: ._exportId)
        exports = generators.isEmpty ? [legacy].compactMap(\.self) : generators.compactMap(\._exportId)
    }

    /// Why it cannot be run now; nil when it can.
    package var obstacle: String? {
        if isAbstract { return "the flow is abstract: a template for other flows" }
        if disabled { return "the flow is disabled; enable it in integrator.io" }
        return nil
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

    struct Wire: Decodable {
        struct Webhook: Decodable { var pathToRecords: String? }

        var _id: String
        var name: String?
        var type: String?
        var adaptorType: String?
        var _connectionId: String?
        var webhook: Webhook?
    }

    init(_ wire: Wire, body: [UInt8]) {
        id = wire._id
        name = wire.name ?? ""
        type = wire.type ?? (wire.adaptorType == "WebhookExport" ? "webhook" : "")
        connection = wire._connectionId
        pathToRecords = wire.webhook?.pathToRecords
        usesWindow = body.contains(Array("lastExportDateTime".utf8))
    }
}

/// A connection; offline ones keep runs queued.
package struct IntegratorConnection: Sendable, Equatable, Decodable {
    package var name: String
    package var offline: Bool

    private enum Key: String, CodingKey { case name, offline }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        name = (try? fields.decode(String.self, forKey: .name)) ?? ""
        offline = (try? fields.decode(Bool.self, forKey: .offline)) ?? false
    }
}

/// `GET /tokenInfo`.
package struct IntegratorTokenInfo: Sendable, Equatable, Decodable {
    package var scope: String

    private enum Key: String, CodingKey { case scope }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        scope = (try? fields.decode(String.self, forKey: .scope)) ?? ""
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
