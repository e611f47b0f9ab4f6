import Events

/// Steps that edit the emulated FlowMate and integrator.io.
extension ScriptStep {
    static func flow(_ value: Value) throws(ScriptProblem) -> FlowMateEdit {
        let fields = try map(
            value, "flow",
            allowed: [
                "id", "name", "status", "cron", "owner", "template", "inputs", "auth", "hmac", "failsToStart",
                "firstStep",
            ])
        guard let id = fields["id"]?.string else { throw ScriptProblem("flow needs \"id\": 24 hex digits") }
        var flow = FlowMateEdit.Flow(id: id)
        flow.name = try text(fields, "name")
        flow.cron = try text(fields, "cron")
        flow.owner = try text(fields, "owner")
        flow.template = try text(fields, "template")
        flow.isActive = try word(fields, "status", ["active", "inactive"]).map { $0 == "active" }
        flow.auth = try word(fields, "auth", ["none", "bearer"])
        flow.hmacKey = try text(fields, "hmac")
        flow.failsToStart = try flag(fields, "failsToStart")
        flow.hasFirstStep = try flag(fields, "firstStep")
        if let inputs = fields["inputs"] {
            guard let inputs = inputs.object, inputs.fields.allSatisfy({ $0.value.string != nil }) else {
                throw ScriptProblem("\"inputs\" takes a map of names and types")
            }
            flow.inputs = inputs
        }
        return .flow(flow)
    }

    static func user(_ value: Value) throws(ScriptProblem) -> FlowMateEdit {
        let fields = try map(value, "user", allowed: ["username", "status"])
        guard let name = fields["username"]?.string, !name.isEmpty else {
            throw ScriptProblem("user needs \"username\": text")
        }
        return .user(name: name, status: try word(fields, "status", ["ACTIVE", "PENDING", "DISABLED"]) ?? "ACTIVE")
    }

    /// `{head: false}` for a gateway that does not let it pass, `{conflict: true}` for 409 where nothing is to be done.
    static func manners(_ value: Value) throws(ScriptProblem) -> FlowMateEdit {
        let fields = try map(value, "flowmate", allowed: ["head", "conflict"])
        return .manners(
            refusesHead: try flag(fields, "head").map { !$0 }, refusesRepeatedSwitch: try flag(fields, "conflict"))
    }

    static func listener(_ value: Value) throws(ScriptProblem) -> IntegratorEdit {
        let fields = try map(value, "listener", allowed: ["records", "mediaType"])
        return .listener(
            records: try text(fields, "records"),
            mediaType: try word(fields, "mediaType", ["", "json", "xml", "csv", "urlencoded", "plaintext"]))
    }

    static func connection(_ value: Value) throws(ScriptProblem) -> IntegratorEdit {
        let fields = try map(value, "connection", allowed: ["id", "offline"])
        guard let id = fields["id"]?.string, let isOffline = try flag(fields, "offline") else {
            throw ScriptProblem("connection needs \"id\" and \"offline\": true or false")
        }
        return .connection(id: id, isOffline: isOffline)
    }

    /// `{from: 2026-01-01T00:00:00Z, every: 1m, count: 20}`
    static func records(_ value: Value) throws(ScriptProblem) -> IntegratorEdit {
        let fields = try map(value, "records", allowed: ["from", "every", "count"])
        guard let from = fields["from"]?.string.flatMap(EpochText.milliseconds) else {
            throw ScriptProblem("records needs \"from\": a time such as 2026-01-01T00:00:00Z")
        }
        let every = try duration(fields["every"] ?? .string("1m"), "every")
        let count = try count(fields["count"] ?? .int(1), "count", 1...100_000)
        let step = every.components.seconds * 1000 + every.components.attoseconds / 1_000_000_000_000_000
        return .records((0..<Int64(count)).map { from + $0 * step })
    }

    static func bucket(_ value: Value) throws(ScriptProblem) -> IntegratorEdit {
        let fields = try map(value, "bucket", allowed: ["burst", "refill"])
        return .bucket(
            burst: try count(fields["burst"] ?? .int(1000), "burst", 1...1_000_000),
            refill: try count(fields["refill"] ?? .int(300), "refill", 1...1_000_000))
    }

    static func text(_ fields: Fields, _ name: String) throws(ScriptProblem) -> String? {
        guard let value = fields[name] else { return nil }
        guard let text = value.string else { throw ScriptProblem("\"\(name)\" takes text") }
        return text
    }

    static func word(_ fields: Fields, _ name: String, _ words: [String]) throws(ScriptProblem) -> String? {
        guard let text = try text(fields, name) else { return nil }
        guard words.contains(text) else { throw ScriptProblem("\"\(name)\" is \(words.joined(separator: " or "))") }
        return text
    }

    static func flag(_ fields: Fields, _ name: String) throws(ScriptProblem) -> Bool? {
        guard let value = fields[name] else { return nil }
        guard case .bool(let flag) = value else { throw ScriptProblem("\"\(name)\" is true or false") }
        return flag
    }
}
