import DequeModule
import Events

/// FlowMate as a partner sees it: webhooks, flows, users, tokens, counts of executions. Pure.
///
/// With its traps: a page 0 that is never answered, content types whose data is lost, request IDs that run once on the
/// whole platform, users that an impersonation makes.
struct FlowMateModel: Sendable {
    /// What came of a request.
    struct Outcome: Sendable, Equatable {
        var answer: HTTPAnswer
        /// A flow ran.
        var wasExecuted = false
        /// What the flow's first step got; nil when nothing ran.
        var data: Value?

        init(_ answer: HTTPAnswer, wasExecuted: Bool = false, data: Value? = nil) {
            self.answer = answer
            self.wasExecuted = wasExecuted
            self.data = data
        }
    }

    struct Session: Sendable {
        /// Nil is the admin.
        var user: String?
        var usedAt: Int64
        /// Others end so long after their last use.
        var isPersistent = false
    }

    /// Where documents and installations differ.
    struct Manners: Sendable, Equatable {
        /// The gateway does not let `HEAD` pass.
        var refusesHead = false
        /// Starting a flow that is not inactive, and stopping one that is not active, is a conflict (409).
        var refusesRepeatedSwitch = false
    }

    static let maximumBodyBytes = 10_485_760
    /// Older request IDs are forgotten, and would run again.
    static let maximumRequestIDs = 100_000
    static let sessionMilliseconds: Int64 = 3 * 3_600_000
    static let maximumSessions = 10_000
    static let maximumUsers = 100_000
    static let maximumDays = 400
    /// No request waits longer for an answer that never comes.
    static let never: Duration = .seconds(3600)

    var manners = Manners()
    /// Flows that exist, in the order of their creation.
    var flows: [FlowMateFlow]
    var users: [FlowMateUser]
    let token: String
    let password: String
    var sessions: [String: Session] = [:]
    /// Executed steps by day (`2026-11-22`, UTC) and flow.
    var executions: [String: [String: Int64]] = [:]
    private var seen: Set<String> = []
    private var seenOrder: Deque<String> = []

    init(token: String, password: String = EmulatorDefaults.flowMatePassword) {
        self.token = token
        self.password = password
        users = Self.defaultUsers
        flows = Self.defaultFlows
    }

    /// Whether a path is FlowMate's.
    static func isMine(_ pieces: [String]) -> Bool {
        switch pieces.first {
        case "webhooks"?: pieces.count == 2
        case "flows"?, "users"?, "login"?, "impersonate"?, "icenter"?: true
        case "api"?: pieces.count > 2 && pieces[1] == "v1" && pieces[2] == "tokens"
        default: false
        }
    }

    /// - Parameters:
    ///   - now: epoch milliseconds.
    ///   - fresh: 171 hex digits, for what is made by this request.
    mutating func answer(_ request: TargetRequest, now: Int64, fresh: String) -> Outcome {
        let pieces = request.pieces
        switch (request.method, pieces.first, pieces.count) {
        case (_, "webhooks", 2): return webhook(request, flowID: pieces[1], now: now, freshID: String(fresh.prefix(32)))
        case ("POST", "login", 1): return Outcome(logIn(request, now: now, fresh: fresh))
        case ("POST", "impersonate", 1): return Outcome(impersonate(request, now: now, fresh: fresh))
        case ("GET", "users", 1): return Outcome(listUsers(request, now: now))
        case ("POST", "api", 3): return Outcome(createToken(request, now: now, fresh: fresh))
        case ("GET", "api", 4) where pieces[3] == "refresh": return Outcome(refresh(request, now: now))
        case ("GET", "icenter", 2) where pieces[1] == "executions": return Outcome(count(request, now: now))
        case (_, "flows", _): return Outcome(answerFlows(request, now: now))
        default: return Outcome(Self.message(404, "Not found"))
        }
    }

    /// - Returns: false when the ID was used before, for whichever flow.
    mutating func remember(_ requestID: String) -> Bool {
        guard seen.insert(requestID).inserted else { return false }
        seenOrder.append(requestID)
        if seenOrder.count > Self.maximumRequestIDs { seen.remove(seenOrder.removeFirst()) }
        return true
    }

    static func isID(_ text: String) -> Bool { text.utf8.count == 24 && text.utf8.allSatisfy { Hex.digit($0) != nil } }

    /// The shape of the identity service's errors.
    static func message(_ status: Int, _ text: String) -> HTTPAnswer {
        .json(status, .record(["message": .string(text)]))
    }

    /// The shape of the flow service's errors.
    static func errors(_ status: Int, _ text: String) -> HTTPAnswer { .errors(status, code: .int(Int64(status)), text) }
}

extension FlowMateModel {
    private static let since: Int64 = 1_768_464_000_000  // 2026-01-15T08:00:00Z
    private static let edited: Int64 = 1_790_857_800_000

    private static var defaultUsers: [FlowMateUser] {
        [
            FlowMateUser(id: EmulatorDefaults.flowMateUser, username: "acme", status: "ACTIVE"),
            FlowMateUser(id: "65a1f0c2d3e4b5a697880012", username: "globex", status: "ACTIVE"),
            FlowMateUser(id: "65a1f0c2d3e4b5a697880013", username: "initech", status: "DISABLED"),
        ]
    }

    private static var defaultFlows: [FlowMateFlow] {
        func flow(_ id: String, _ name: String, isActive: Bool = true, cron: String? = nil, _ inputs: Fields = [:])
            -> FlowMateFlow
        {
            FlowMateFlow(
                id: id, name: name, isActive: isActive, cron: cron, owner: EmulatorDefaults.flowMateUser,
                inputs: inputs, createdAt: since, updatedAt: edited)
        }
        return [
            flow(
                EmulatorDefaults.flowMateOrderFlow, "Production orders to MES",
                ["orderId": .string("string"), "status": .string("string"), "quantity": .string("number")]),
            flow(
                EmulatorDefaults.flowMateAccountFlow, "Accounts to ERP",
                ["accountId": .string("string"), "change": .string("string")]),
            flow(EmulatorDefaults.flowMateInactiveFlow, "Old import", isActive: false),
            flow(EmulatorDefaults.flowMateScheduledFlow, "Nightly report", cron: "0 3 * * *"),
        ]
    }
}
