import Events

/// One thing that a script, or a request to `/emulator/step`, makes the emulator do.
package enum ScriptStep: Sendable, Equatable {
    /// Changes that commit together.
    case publish([EmulatedChange])
    /// Transactions of the built-in feed.
    case feed(Int)
    case wait(Duration)
    case fault(PubSubFault)
    case salesforce(SalesforceEdit)
    case target(TargetFault)
    /// How the next flow run ends: with this many record errors, or (nil) as failed.
    case job(errors: Int?)
    case flowMate(FlowMateEdit)
    case integrator(IntegratorEdit)

    package static let maximumWait: Duration = .seconds(3600)
    package static let maximumFeed = 1_000_000
    package static let maximumChanges = 1000

    /// - Throws: the reason in plain words.
    package init(_ value: Value) throws(ScriptProblem) {
        guard case .record(let fields) = value, fields.fields.count == 1, let step = fields.fields.first else {
            throw ScriptProblem("a step is a map with one key: \(Self.names.joined(separator: ", "))")
        }
        switch step.name {
        case "publish": self = .publish(try Self.changes(step.value))
        case "feed": self = .feed(try Self.count(step.value, "feed", 1...Self.maximumFeed))
        case "wait": self = .wait(try Self.duration(step.value, "wait"))
        case "fault": self = .fault(try Self.fault(step.value))
        case "oauth": self = .salesforce(try Self.oauth(step.value))
        case "org": self = .salesforce(try Self.org(step.value))
        case "channel": self = .salesforce(try Self.channel(step.value))
        case "permission": self = .salesforce(try Self.permission(step.value))
        case "managed": self = .salesforce(try Self.managed(step.value))
        case "limits": self = .salesforce(try Self.limits(step.value))
        case "rest": self = .salesforce(try Self.rest(step.value))
        case "target": self = .target(try Self.target(step.value))
        case "job": self = .job(errors: try Self.job(step.value))
        case "flow": self = .flowMate(try Self.flow(step.value))
        case "user": self = .flowMate(try Self.user(step.value))
        case "connection": self = .integrator(try Self.connection(step.value))
        case "records": self = .integrator(try Self.records(step.value))
        case "bucket": self = .integrator(try Self.bucket(step.value))
        case "listener": self = .integrator(try Self.listener(step.value))
        case "flowmate": self = .flowMate(try Self.manners(step.value))
        default:
            throw ScriptProblem("unknown step \"\(step.name)\": use one of \(Self.names.joined(separator: ", "))")
        }
    }

    /// One of each kind, for those who write steps.
    package static let examples = [
        #"{"publish": {"entity": "Account", "change": "update", "ids": ["001Dp0000010000IAA"], "fields": {"Name": "A"}}}"#,
        #"{"feed": 10}"#, #"{"wait": "5s"}"#, #"{"fault": {"kind": "silence", "for": "10s"}}"#,
        #"{"oauth": {"error": "invalid_grant", "times": 3}}"#, #"{"org": {"id": "00DDp0000000002MAA"}}"#,
        #"{"channel": {"name": "\#(EmulatorDefaults.orderChannel)", "add": ["Account"], "remove": ["Opportunity"]}}"#,
        #"{"permission": {"entity": "Opportunity", "viewAll": false}}"#,
        #"{"managed": {"name": "\#(EmulatorDefaults.managedSubscription)", "state": "STOP"}}"#,
        #"{"limits": {"DailyApiRequests": {"max": 100, "remaining": 3}}}"#,
        #"{"rest": {"path": "/sobjects/*", "code": "UNABLE_TO_LOCK_ROW", "times": 3}}"#,
        #"{"target": {"path": "/webhooks/*", "status": 503, "times": 3, "retryAfter": 10}}"#,
        #"{"flow": {"id": "\#(EmulatorDefaults.flowMateOrderFlow)", "status": "inactive", "inputs": {"n": "number"}}}"#,
        #"{"user": {"username": "new", "status": "ACTIVE"}}"#, #"{"flowmate": {"head": false, "conflict": true}}"#,
        #"{"job": "failed"}"#, #"{"job": {"errors": 2}}"#,
        #"{"connection": {"id": "\#(EmulatorDefaults.integratorConnection)", "offline": true}}"#,
        #"{"records": {"from": "2026-01-01T00:00:00Z", "every": "1m", "count": 20}}"#,
        #"{"listener": {"records": "events", "mediaType": "json"}}"#, #"{"bucket": {"burst": 10, "refill": 1}}"#,
    ]

    static let names = [
        "publish", "feed", "wait", "fault", "oauth", "org", "channel", "permission", "managed", "limits", "rest",
        "target", "job", "flow", "user", "connection", "records", "bucket", "listener", "flowmate",
    ]
}

/// What is wrong with a step, without its place.
package struct ScriptProblem: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

extension ScriptStep {
    /// One change, or a list of them. Each is tried on its schema, so that a mistake shows before anything runs.
    package static func changes(_ value: Value) throws(ScriptProblem) -> [EmulatedChange] {
        let values: [Value] = if case .list(let values) = value { values } else { [value] }
        guard (1...maximumChanges).contains(values.count) else {
            throw ScriptProblem("publish takes between 1 and \(maximumChanges) changes")
        }
        var changes: [EmulatedChange] = []
        for value in values { changes.append(try change(value)) }
        return changes
    }

    private static func change(_ value: Value) throws(ScriptProblem) -> EmulatedChange {
        let fields = try map(value, "publish", allowed: ["entity", "change", "ids", "fields", "enriched"])
        guard case .string(let entity)? = fields["entity"] else {
            throw ScriptProblem("publish needs \"entity\": text such as Account")
        }
        let change = EmulatedChange(
            entity: entity, change: try changeType(fields["change"]), recordIDs: try ids(fields["ids"]),
            fields: try body(fields["fields"], "fields"), enriched: try body(fields["enriched"], "enriched"))
        do throws(EmulatorError) { try EmulatedOrg.validate(change) } catch { throw ScriptProblem("\(error)") }
        return change
    }

    /// `update` or `GAP_UPDATE`, in either case; nothing means update.
    private static func changeType(_ value: Value?) throws(ScriptProblem) -> ChangeType {
        guard let value else { return .update }
        guard case .string(let text) = value else { throw ScriptProblem("\"change\" takes text such as update") }
        let type = ChangeType(symbol: text.uppercased())
        if case .unknown = type { throw ScriptProblem("there is no change type \"\(text)\"") }
        return type
    }

    private static func ids(_ value: Value?) throws(ScriptProblem) -> [String] {
        switch value {
        case nil: return []
        case .string(let id): return [id]
        case .list(let values):
            var ids: [String] = []
            for value in values {
                guard case .string(let id) = value else { throw ScriptProblem("\"ids\" takes text or a list of texts") }
                ids.append(id)
            }
            return ids
        default: throw ScriptProblem("\"ids\" takes text or a list of texts")
        }
    }

    private static func body(_ value: Value?, _ name: String) throws(ScriptProblem) -> Fields {
        guard let value else { return [:] }
        guard case .record(let fields) = value else { throw ScriptProblem("\"\(name)\" takes a map of field values") }
        return fields
    }

    private static func fault(_ value: Value) throws(ScriptProblem) -> PubSubFault {
        var name = value
        var length: Duration = .seconds(10)
        if case .record = value {
            let fields = try map(value, "fault", allowed: ["kind", "for"])
            name = fields["kind"] ?? .null
            if let text = fields["for"] { length = try duration(text, "for") }
        }
        switch name {
        case .string("goaway"): return .goAway
        case .string("rst"): return .reset
        case .string("disconnect"): return .disconnect
        case .string("unauthenticated"): return .unauthenticated
        case .string("silence"): return .silence(length)
        case .string("unavailable"): return .unavailable(length)
        default:
            throw ScriptProblem(
                "fault takes goaway, rst, disconnect, unauthenticated, silence or unavailable, "
                    + "the last two also as {kind: silence, for: 10s}")
        }
    }

    private static func target(_ value: Value) throws(ScriptProblem) -> TargetFault {
        let fields = try map(value, "target", allowed: ["path", "status", "times", "retryAfter", "body"])
        guard case .string(let path)? = fields["path"], path.hasPrefix("/") else {
            throw ScriptProblem("target needs \"path\": an absolute path, or a prefix that ends in *")
        }
        let body: String = if case .string(let text)? = fields["body"] { text } else { "" }
        return TargetFault(
            path: path, status: try count(fields["status"] ?? .int(503), "status", 200...599),
            times: try count(fields["times"] ?? .int(1), "times", 1...TargetFault.maximumTimes),
            retryAfter: try fields["retryAfter"].map { value throws(ScriptProblem) in
                try count(value, "retryAfter", 0...86_400)
            }, body: body)
    }

    private static func job(_ value: Value) throws(ScriptProblem) -> Int? {
        if value == .string("failed") { return nil }
        let fields = try map(value, "job", allowed: ["errors"])
        return try count(fields["errors"] ?? .int(0), "errors", 0...1_000_000)
    }
}

extension ScriptStep {
    static func map(
        _ value: Value, _ step: String, allowed: Set<String>
    ) throws(ScriptProblem) -> Fields {
        guard case .record(let fields) = value else { throw ScriptProblem("\(step) takes a map") }
        for field in fields.fields where !allowed.contains(field.name) {
            let names = allowed.sorted().joined(separator: ", ")
            throw ScriptProblem("\(step) has no key \"\(field.name)\": it takes \(names)")
        }
        return fields
    }

    static func count(
        _ value: Value, _ name: String, _ range: ClosedRange<Int>
    ) throws(ScriptProblem) -> Int {
        guard case .int(let number) = value, let count = Int(exactly: number), range.contains(count) else {
            throw ScriptProblem("\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return count
    }

    /// `250ms`, `10s`, `5m`, `1h`
    static func duration(_ value: Value, _ name: String) throws(ScriptProblem) -> Duration {
        let units: [(String, Int64)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
        if case .string(let text) = value,
            let (suffix, milliseconds) = units.first(where: { text.hasSuffix($0.0) }),
            let number = Int64(text.dropLast(suffix.count)), (0...3_600_000).contains(number)
        {
            let length = Duration.milliseconds(number * milliseconds)
            if length <= maximumWait { return length }
        }
        throw ScriptProblem("\(name) takes a duration such as 250ms, 10s or 5m, up to 1h")
    }
}
