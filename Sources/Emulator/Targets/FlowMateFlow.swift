import Events

/// A flow of the emulated FlowMate.
struct FlowMateFlow: Sendable {
    /// How its webhook wants to be asked; none asks for nothing.
    enum Auth: Sendable, Equatable {
        case none
        /// A token of its owner, or the admin's.
        case bearer
        /// Base64 of HMAC-SHA256 over the body, in `x-hmac`.
        case hmac(key: String)
    }

    /// A change of state takes the orchestrator so long.
    static let settlingMilliseconds: Int64 = 5_000
    /// A deployment that fails is undone in so long, quietly.
    static let undoingMilliseconds: Int64 = 2_000

    var id: String
    var name: String
    /// A scheduled flow has no webhook.
    var cron: String?
    /// FlowMate's own ID of a user.
    var owner: String
    var template: String?
    /// Types (`string`, `number`, `boolean`) by name.
    var inputs: Fields
    /// Without one its webhook cannot run.
    var hasFirstStep = true
    var auth = Auth.none
    var failsToStart = false
    /// Epoch milliseconds, both.
    var createdAt: Int64
    var updatedAt: Int64
    private var isWantedActive: Bool
    private var settlesAt: Int64 = .min

    init(
        id: String, name: String, isActive: Bool = true, cron: String? = nil, owner: String, inputs: Fields = [:],
        createdAt: Int64, updatedAt: Int64
    ) {
        self.id = id
        self.name = name
        isWantedActive = isActive
        self.cron = cron
        self.owner = owner
        self.inputs = inputs
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// `active`, `inactive`, `starting` or `stopping`.
    func status(at now: Int64) -> String {
        guard isWantedActive else { return now < settlesAt ? "stopping" : "inactive" }
        if now < settlesAt { return "starting" }
        guard failsToStart else { return "active" }
        return now < settlesAt + Self.undoingMilliseconds ? "stopping" : "inactive"
    }

    /// Starts or stops it. A webhook goes at once, and comes only when the flow has started.
    mutating func switchOn(_ isOn: Bool, at now: Int64) {
        guard isOn != isWantedActive || (isOn && failsToStart) else { return }
        isWantedActive = isOn
        settlesAt = now + Self.settlingMilliseconds
        updatedAt = now
    }

    /// As it is from now on, without a start or stop in between.
    mutating func settle(isActive: Bool) {
        isWantedActive = isActive
        settlesAt = .min
    }

    func json(at now: Int64) -> Value {
        let payload: Value = .record(["inputParameters": .record(inputs), "outputParameters": .record([:])])
        let node: Value = .record([
            "id": .string("step_1"), "componentId": .string("65a1f0c2d3e4b5a697880001"),
            "function": .string("receive"), "name": .string("Webhook"), "fields": .record(["payload": payload]),
        ])
        var fields: Fields = [
            "id": .string(id), "name": .string(name), "type": .string("ordinary"), "status": .string(status(at: now)),
            "owners": .list([.record(["id": .string(owner), "type": .string("user")])]),
            "graph": .record(["nodes": .list(hasFirstStep ? [node] : []), "edges": .list([])]),
            "createdAt": .string(EpochText.text(createdAt)), "updatedAt": .string(EpochText.text(updatedAt)),
        ]
        fields["cron"] = cron.map(Value.string)
        fields["fromTemplate"] = template.map(Value.string)
        return .record(fields)
    }
}

/// A user of the emulated FlowMate.
struct FlowMateUser: Sendable {
    var id: String
    /// The ID that the partner's system gave, in lower case.
    var username: String
    /// `ACTIVE`, `PENDING` or `DISABLED`
    var status: String

    var json: Value {
        .record([
            "_id": .string(id), "username": .string(username), "status": .string(status), "confirmed": .bool(true),
            "canLogin": .bool(false), "tenant": .string("65a1f0c2d3e4b5a697880003"), "roles": .list([]),
            "permissions": .list([]), "createdAt": .string("2026-01-15T08:00:00.000Z"),
            "updatedAt": .string("2026-01-15T08:00:00.000Z"),
        ])
    }
}
