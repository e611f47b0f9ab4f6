import Events

/// What became of a flow that was to be started or stopped.
package struct FlowMateControlResult: Sendable, Equatable {
    package enum Outcome: Sendable, Equatable {
        /// `starting` or `stopping`: FlowMate does it within seconds, and a deployment that fails is undone quietly.
        case accepted(status: String)
        /// It was already so.
        case already
        case failed(status: Int, message: String)
    }

    /// Nil when FlowMate does not say which of several flows it means.
    package var flow: String?
    package var outcome: Outcome

    package init(flow: String?, outcome: Outcome) {
        self.flow = flow
        self.outcome = outcome
    }

    package var succeeded: Bool {
        if case .failed = outcome { return false }
        return true
    }
}

extension FlowMateClient {
    package enum Control: String, Sendable { case start, stop }

    /// Flows in one call of `multiple`.
    static let controlledAtOnce = 100

    /// Starts or stops one flow. FlowMate answers at once and does it a little later.
    package func control(_ control: Control, flow id: String) async throws(FlowMateError) -> FlowMateControlResult {
        let action = "\(control.rawValue) flow \(id)"
        guard FlowMateWebhook.isFlowID(id) else { throw .input(action, "a flow ID has 24 hex digits") }
        let call = FlowMateCall(
            method: "POST", path: "\(settings.paths.flows)/\(id)/\(control.rawValue)", action: action)
        let json: Value
        do {
            json = try await answer(call)
        } catch {
            // Documented for a flow that is not inactive (or not active); the open source answers 200.
            if error.status == 409 { return FlowMateControlResult(flow: id, outcome: .already) }
            throw error
        }
        guard let result = Self.result(json, asked: id, control) else { throw unreadable(call) }
        return result
    }

    /// Starts or stops several flows, in calls of a hundred; each has a result of its own.
    package func control(
        _ control: Control, flows ids: [String]
    ) async throws(FlowMateError) -> [FlowMateControlResult] {
        let action = "\(control.rawValue) \(ids.count) flows"
        if let wrong = ids.first(where: { !FlowMateWebhook.isFlowID($0) }) {
            throw .input(action, "'\(wrong)' is no flow ID, which has 24 hex digits")
        }
        var results: [FlowMateControlResult] = []
        for start in stride(from: 0, to: ids.count, by: Self.controlledAtOnce) {
            let some = Array(ids[start..<min(start + Self.controlledAtOnce, ids.count)])
            results += try await controlSome(control, some, action)
        }
        return results
    }

    private func controlSome(
        _ control: Control, _ ids: [String], _ action: String
    ) async throws(FlowMateError) -> [FlowMateControlResult] {
        // The body must be a list: anything else is answered with 500.
        let call = FlowMateCall(
            method: "POST", path: "\(settings.paths.flows)/multiple/\(control.rawValue)",
            body: .list(ids.map(Value.string)), action: action)
        let json = try await answer(call)
        guard let entries = json.list ?? json["data"]?.list else { throw unreadable(call) }
        // An error carries no ID; as many entries as flows stand in the order of the flows.
        let isAligned = entries.count == ids.count
        return entries.enumerated().map { index, entry in
            Self.result(entry, asked: isAligned ? ids[index] : nil, control)
                ?? FlowMateControlResult(
                    flow: isAligned ? ids[index] : nil,
                    outcome: .failed(status: 200, message: "the answer is unreadable"))
        }
    }

    private static func result(_ json: Value, asked id: String?, _ control: Control) -> FlowMateControlResult? {
        if let error = json["errors"]?.list?.first {
            let status = Int(clamping: error["code"]?.integer ?? 0)
            if status == 409 { return FlowMateControlResult(flow: id, outcome: .already) }
            let message = FlowMateError.printable(error["message"]?.text ?? "")
            return FlowMateControlResult(flow: id, outcome: .failed(status: status, message: message))
        }
        guard let data = json["data"], data.fields != nil else { return nil }
        let status = data["status"]?.text ?? (control == .start ? "starting" : "stopping")
        return FlowMateControlResult(flow: data.documentID ?? id, outcome: .accepted(status: status))
    }

    /// Asks whether a flow's webhook would take an event, without running anything.
    ///
    /// Only `HEAD` does that: a `GET` of a webhook runs the flow. Whether FlowMate's gateway lets `HEAD` pass is not
    /// documented.
    ///
    package func probeWebhook(flow id: String) async throws(FlowMateError) -> FlowMateWebhookProbe {
        let action = "look for the webhook of flow \(id)"
        guard FlowMateWebhook.isFlowID(id) else { throw .input(action, "a flow ID has 24 hex digits") }
        let call = FlowMateCall(
            method: "HEAD", path: "\(settings.paths.webhooks)/\(id)", action: action, carriesCredential: false)
        do {
            _ = try await send(call)
            return .ready
        } catch {
            switch error.status {
            case 404: return .absent
            // Gateways refuse a method in three ways.
            case let status? where [403, 405, 501].contains(status): return .methodRefused(status)
            default: throw error
            }
        }
    }
}

/// What `HEAD` tells of a flow's webhook.
package enum FlowMateWebhookProbe: Sendable, Equatable {
    case ready
    /// FlowMate knows no running, webhook-driven flow of this ID.
    case absent
    /// Something before FlowMate does not let `HEAD` pass: nothing is known.
    case methodRefused(Int)
}
