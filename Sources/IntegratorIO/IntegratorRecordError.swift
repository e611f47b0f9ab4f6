import Events

/// A record that failed in one step of a flow. Only what is told of it: no content of the record.
package struct IntegratorRecordError: Sendable, Equatable {
    package var id: String
    package var occurredAt: String?
    /// `application`, `connection`, `mapping`, …
    package var source: String
    package var code: String
    package var message: String
    /// With one, the record is kept and can be retried.
    package var retryKey: String?
    package var traceKey: String?

    /// Nil without an ID.
    package init?(_ json: Value) {
        guard let id = json["errorId"]?.text ?? json["errorId"]?.integer.map(String.init) else { return nil }
        self.id = id
        occurredAt = json["occurredAt"]?.text
        source = json["source"]?.text ?? ""
        code = json["code"]?.text ?? ""
        message = json["message"]?.text ?? ""
        retryKey = json["retryDataKey"]?.text
        traceKey = json["traceKey"]?.text
    }
}

/// Which errors of a step are wanted.
package struct IntegratorErrorFilter: Sendable, Equatable {
    /// Epoch milliseconds, both included.
    package var from: Int64?
    package var until: Int64?
    package var source: String?

    package init(from: Int64? = nil, until: Int64? = nil, source: String? = nil) {
        self.from = from
        self.until = until
        self.source = source
    }

    var query: [(name: String, value: String)] {
        let all: [(String, String?)] = [
            ("occurredAt_gte", from.map(ISOTime.text)), ("occurredAt_lte", until.map(ISOTime.text)), ("source", source),
        ]
        return all.compactMap { name, value in value.map { (name, $0) } }
    }
}

/// How many open errors something has: a step of a flow, or a flow of an integration.
package struct IntegratorErrorCount: Sendable, Equatable {
    package var id: String
    package var errors: Int
    package var lastErrorAt: String?

    /// Nil without an ID.
    init?(_ json: Value) {
        let names = ["_expOrImpId", "_flowId", "_exportId", "_importId", "_id"]
        guard let id = names.lazy.compactMap({ json[$0]?.text }).first else { return nil }
        self.id = id
        errors = json.count("numError")
        lastErrorAt = json["lastErrorAt"]?.text
    }
}
