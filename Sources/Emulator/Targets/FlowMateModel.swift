import DequeModule
import Events

/// FlowMate's webhooks and flow list, as far as a partner sees them. Pure.
///
/// Follows the order of the real webhook: body first, then the flow, then the request ID, then the content type.
struct FlowMateModel: Sendable {
    struct Flow: Sendable {
        var id: String
        var name: String
        /// `active`, `inactive`, `starting`, `stopping`
        var status: String
        /// A scheduled flow has no webhook.
        var cron: String?
        /// Name and type (`string`, `number`, `boolean`).
        var inputs: [(name: String, type: String)]
    }

    static let maximumBodyBytes = 10_485_760
    /// Older request IDs are forgotten, and would run again.
    static let maximumRequestIDs = 100_000

    /// Flows that exist, in the order of their creation.
    var flows: [Flow]
    let token: String
    private var seen: Set<String> = []
    private var seenOrder: Deque<String> = []

    init(token: String) {
        self.token = token
        flows = Self.defaultFlows
    }

    /// - Parameter freshID: 32 hex digits, for a request that brings no ID.
    /// - Returns: the answer, and whether the flow was started.
    mutating func webhook(_ request: TargetRequest, flowID: String, freshID: String) -> (HTTPAnswer, Bool) {
        if request.body.count > Self.maximumBodyBytes { return (.error(413, "request entity too large"), false) }
        if let problem = Self.unreadable(request) { return (.error(400, problem), false) }
        if let refusal = lookUp(flowID) { return (refusal, false) }
        if request.method == "HEAD" { return (HTTPAnswer(status: 200), false) }
        guard ["GET", "POST"].contains(request.method) else { return (.error(500, "Internal Server Error"), false) }
        let requestID = request.headers["x-request-id"].flatMap { $0.isEmpty ? nil : $0 } ?? freshID
        if request.method == "POST", (request.headers["content-type"] ?? "").isEmpty {
            return (.error(415, "Content-Type header is missing"), false)
        }
        let isNew = remember(requestID)
        let data: Value = .record(["requestId": .string(requestID), "message": .string("thank you")])
        return (.json(200, .record(["data": data])), isNew)
    }

    private static func unreadable(_ request: TargetRequest) -> String? {
        guard request.method == "POST", !request.body.isEmpty else { return nil }
        let type = (request.headers["content-type"] ?? "").prefix { $0 != ";" }.lowercased()
        guard type == "application/json" || type == "text/plain" else { return nil }
        do {
            switch try JSONReader.parse(request.body) {
            case .record, .list: return nil
            default: return "Unexpected token in JSON at position 0"
            }
        } catch {
            return "Unexpected token in JSON at position \(error.offset)"
        }
    }

    /// Nil when the flow's webhook answers.
    private func lookUp(_ id: String) -> HTTPAnswer? {
        guard Self.isID(id) else {
            return .error(500, "Cast to ObjectId failed for value \"\(id)\" at path \"_id\"")
        }
        guard let flow = flows.first(where: { $0.id == id }), flow.status == "active", flow.cron == nil else {
            var answer = HTTPAnswer.error(404, "Flow \(id) either does not exist or is inactive.")
            answer.delay = .seconds(1)
            return answer
        }
        return nil
    }

    /// - Returns: false when the ID was used before, for whichever flow.
    private mutating func remember(_ requestID: String) -> Bool {
        guard seen.insert(requestID).inserted else { return false }
        seenOrder.append(requestID)
        if seenOrder.count > Self.maximumRequestIDs { seen.remove(seenOrder.removeFirst()) }
        return true
    }

    static func isID(_ text: String) -> Bool { text.utf8.count == 24 && text.utf8.allSatisfy { Hex.digit($0) != nil } }
}

extension FlowMateModel {
    /// `GET /flows` and `GET /flows/{id}`.
    func flows(_ request: TargetRequest) -> HTTPAnswer {
        guard let bearer = request.bearer else {
            return .errors(401, code: .int(401), "Missing authorization header.")
        }
        guard bearer == token else { return .errors(401, code: .int(401), "Token invalid.") }
        if request.pieces.count == 1 { return list(request.query) }
        let id = request.pieces[1]
        guard Self.isID(id) else { return .errors(400, code: .int(400), "Invalid id") }
        guard let flow = flows.first(where: { $0.id == id }) else {
            return .errors(404, code: .int(404), "No flow found")
        }
        return .json(200, .record(["data": json(flow), "meta": .record([:])]))
    }

    private func list(_ query: [String: String]) -> HTTPAnswer {
        let size = Int(query["page[size]"] ?? "10") ?? 10
        let page = max(1, Int(query["page[number]"] ?? "1") ?? 1)
        var chosen = flows
        switch query["filter[status]"] {
        case nil: break
        case "active", "1": chosen.removeAll { $0.status != "active" }
        case "inactive", "0": chosen.removeAll { $0.status != "inactive" }
        default: return .errors(400, code: .int(400), "Invalid filter[status] parameter")
        }
        let (skipped, overflow) = (page - 1).multipliedReportingOverflow(by: max(size, 0))
        let shown = size > 0 ? Array(chosen.dropFirst(overflow ? chosen.count : skipped).prefix(size)) : chosen
        let pages: Value = size > 0 ? .int(Int64((chosen.count + size - 1) / size)) : .null
        let meta: Fields = [
            "total": .int(Int64(chosen.count)), "page": .int(Int64(page)), "perPage": .int(Int64(size)),
            "totalPages": pages,
        ]
        return .json(200, .record(["data": .list(shown.map(json)), "meta": .record(meta)]))
    }

    private func json(_ flow: Flow) -> Value {
        let inputs = Fields(flow.inputs.map { .init(name: $0.name, value: .string($0.type)) })
        let payload: Value = .record(["inputParameters": .record(inputs), "outputParameters": .record([:])])
        let node: Value = .record([
            "id": .string("step_1"), "componentId": .string("65a1f0c2d3e4b5a697880001"),
            "function": .string("receive"), "name": .string("Webhook"), "fields": .record(["payload": payload]),
        ])
        var fields: Fields = [
            "id": .string(flow.id), "name": .string(flow.name), "type": .string("ordinary"),
            "status": .string(flow.status),
            "owners": .list([.record(["id": .string("65a1f0c2d3e4b5a697880002"), "type": .string("user")])]),
            "graph": .record(["nodes": .list([node]), "edges": .list([])]),
            "createdAt": .string("2026-01-15T08:00:00.000Z"), "updatedAt": .string("2026-10-01T12:30:00.000Z"),
        ]
        if let cron = flow.cron { fields.append("cron", .string(cron)) }
        return .record(fields)
    }

    private static var defaultFlows: [Flow] {
        [
            Flow(
                id: EmulatorDefaults.flowMateOrderFlow, name: "Production orders to MES", status: "active",
                inputs: [("orderId", "string"), ("status", "string"), ("quantity", "number")]),
            Flow(
                id: EmulatorDefaults.flowMateAccountFlow, name: "Accounts to ERP", status: "active",
                inputs: [("accountId", "string"), ("change", "string")]),
            Flow(id: EmulatorDefaults.flowMateInactiveFlow, name: "Old import", status: "inactive", inputs: []),
            Flow(
                id: EmulatorDefaults.flowMateScheduledFlow, name: "Nightly report", status: "active",
                cron: "0 3 * * *", inputs: []),
        ]
    }
}
