import Curl
import Events
import FlowMate

/// Sends deliveries to FlowMate flows.
package actor FlowMateSink: Sink {
    /// Flows that demand the credential with each call, or have no webhook yet, as far as they are remembered.
    static let maximumRememberedFlows = 1_000

    private let name: String
    private let signer: RequestSigner?
    private nonisolated let calls: HTTPSink
    /// Nil: deliveries are not held against what flows take.
    private let contracts: (any FlowContracts)?
    private let renderer: (any DeliveryRenderer)?
    /// Deliveries that do not fit, with the rules by which building them anew made no difference.
    private var vainly: [String: String] = [:]
    /// Reads the credential anew; nil when the destination has none.
    private let readAuth: @Sendable () throws(SecretError) -> ReadyAuth?
    private var settings: FlowMateSettings
    private var secrets: [Secret]
    private var guarded: Set<String> = []
    /// Uptime at which an active flow was first without its webhook.
    private var missingSince: [String: Int64] = [:]
    /// Whether retries run at most once.
    package private(set) var echo = FlowMateEcho.untested

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        calls.environment.executors.actors.asUnownedSerialExecutor()
    }

    init(
        name: String, settings: FlowMateSettings, secrets: [Secret], signer: RequestSigner?, calls: HTTPSink,
        contracts: (any FlowContracts)?,
        renderer: (any DeliveryRenderer)? = nil, readAuth: @escaping @Sendable () throws(SecretError) -> ReadyAuth?
    ) {
        self.name = name
        self.settings = settings
        self.secrets = secrets
        self.signer = signer
        self.calls = calls
        self.contracts = contracts
        self.renderer = renderer
        self.readAuth = readAuth
    }

    package func attempt(_ delivery: Delivery, number: Int) async -> AttemptOutcome {
        guard case .flow(let flow, let redrive) = delivery.target else {
            return .park(AttemptNote(reason: "this destination is FlowMate; the delivery is for something else"))
        }
        var delivery = delivery
        switch await contracts?.judge(delivery, flow: flow) {
        case nil: break
        case .send(let body)?: delivery.body = body
        case .later(let reason)?: return Self.standing(reason, for: Self.unreadWait)
        case .wait(let reason)?:
            switch await builtAnew(delivery, flow) {
            case .send(let body)?: delivery.body = body
            case .later(let why)?: return Self.standing(why, for: Self.unreadWait)
            case .wait(let stillNot)?: return Self.standing(stillNot, for: FlowFinder.violationWait)
            case nil: return Self.standing(reason, for: FlowFinder.violationWait)
            }
        }
        let first = await call(flow, redrive, delivery)
        let isRefused = first.outcome.action == .credential || first.outcome.action == .holdFlow
        guard isRefused, [401, 403].contains(first.response?.status),
            prepareCredential(flow, refused: first.credential)
        else {
            return await judged(first, flow)
        }
        return await judged(await call(flow, redrive, delivery), flow)
    }

    /// Until the next read of a flow that could not be read.
    private static var unreadWait: Duration { .milliseconds(FlowFinder.rereadMilliseconds) }

    private static func standing(_ reason: String, for wait: Duration) -> AttemptOutcome {
        var note = AttemptNote(reason: reason)
        note.receiverWasAsked = false
        return .retry(note, after: wait)
    }

    /// By the rules in force now, unless they are known to make no difference.
    ///
    /// - Returns: nil if they make none.
    private func builtAnew(_ delivery: Delivery, _ flow: String) async -> ContractJudgement? {
        guard let renderer, vainly[delivery.id] != renderer.version else { return nil }
        let version = renderer.version
        var judgement: ContractJudgement?
        if case .ready(let fresh) = await renderer.render(delivery), fresh.body != delivery.body,
            case .flow(flow, _) = fresh.target
        {
            judgement = await contracts?.judge(fresh, flow: flow)
        }
        // What fits is built once more for the next attempt, if FlowMate does not take it in this one.
        if case .send? = judgement {
            vainly[delivery.id] = nil
        } else {
            if vainly.count >= Self.maximumRememberedFlows { vainly.removeAll() }
            vainly[delivery.id] = version
        }
        return judgement
    }

    // MARK: The call

    private struct Answer {
        var outcome: FlowMateOutcome
        var response: HTTPResponse?
        var requestID: String
        /// What went along; nil for none.
        var credential: Secret?
    }

    private func call(_ flow: String, _ redrive: Int?, _ delivery: Delivery) async -> Answer {
        let requestID = FlowMateRequestID.make(flow: flow, delivery: delivery.id, redrive: redrive ?? 0)
        let credential = guarded.contains(flow) ? settings.credential : nil
        let timestamp = calls.timestamp
        var headers = HTTPSink.identity(delivery, timestamp: timestamp) + Self.origin(delivery.origin)
        if let signer { headers.append(signer.header(id: delivery.id, timestamp: timestamp, body: delivery.body)) }
        let request: HTTPRequest
        do {
            request = try FlowMateWebhook(settings: settings).request(
                flow: flow, requestID: requestID, body: delivery.body, headers: headers,
                withCredential: credential != nil)
        } catch {
            return Answer(outcome: .refused(error), requestID: requestID, credential: credential)
        }
        do {
            let response = try await calls.send(request)
            return Answer(
                outcome: FlowMateOutcome.judge(response), response: response, requestID: requestID, credential: credential)
        } catch {
            return Answer(outcome: FlowMateOutcome.judge(error), requestID: requestID, credential: credential)
        }
    }

    /// What lets a flow's first step tell late events, whatever its contract names: FlowMate keeps no order.
    private static func origin(_ origin: DeliveryOrigin) -> [HTTPRequest.Header] {
        [
            HTTPRequest.Header("sluice-entity", origin.entity), HTTPRequest.Header("sluice-change", origin.change),
            HTTPRequest.Header("sluice-record-id", origin.recordID),
            HTTPRequest.Header("sluice-commit-timestamp", String(origin.time)),
            HTTPRequest.Header("sluice-commit-number", origin.commit.map { String($0.number) } ?? ""),
            HTTPRequest.Header("sluice-sequence-number", origin.commit.map { String($0.sequence) } ?? ""),
        ].filter { !$0.value.isEmpty && $0.value.utf8.allSatisfy { (0x21...0x7e).contains($0) } }
    }

    /// A flow refused us. Webhooks are open by default, and FlowMate hands all headers to the flow's first step; so the
    /// credential goes along only once a flow has asked, and is read anew once it is refused.
    ///
    /// - Parameter refused: what the call carried; calls beside it may have been here already.
    /// - Returns: whether another call may do better.
    private func prepareCredential(_ flow: String, refused: Secret?) -> Bool {
        guard let credential = settings.credential else { return false }
        guard guarded.contains(flow), let refused else {
            if guarded.count >= Self.maximumRememberedFlows { guarded.removeAll() }
            guarded.insert(flow)
            return true
        }
        guard refused == credential else { return true }
        guard let fresh = try? readAuth(), fresh.value != credential else { return false }
        settings.credential = fresh.value
        secrets += fresh.secrets
        secrets = Array(secrets.suffix(8))
        return true
    }

    // MARK: The judgement

    private func judged(_ answer: Answer, _ flow: String) async -> AttemptOutcome {
        if case .delivered(let echoed) = answer.outcome.action {
            missingSince[flow] = nil
            // An answer that broke off tells nothing about the echo.
            if answer.response?.bodyIsTruncated == false { learn(sent: answer.requestID, echoed: echoed) }
            if echoed != nil { contracts?.accepted(answer.requestID, flow: flow, destination: name) }
            return .delivered(note(answer))
        }
        if answer.outcome.action == .askFlow { return await afterReading(flow, answer) }
        let note = note(answer)
        let retryAfter = calls.retryAfter(answer.response)
        return switch answer.outcome.action {
        case .retry: .retry(note, after: retryAfter)
        case .slowDown: .hold(note, scope: .destination, for: retryAfter ?? HTTPSink.slowDown)
        case .credential, .holdDestination: .hold(note, scope: .destination, for: nil)
        case .holdFlow: .hold(note, scope: .target, for: .seconds(600))
        case .park, .delivered, .askFlow: .park(note)
        }
    }

    private func note(_ answer: Answer, reason: String? = nil) -> AttemptNote {
        calls.note(
            answer.response, reason ?? answer.outcome.reason,
            possibleDuplicate: answer.outcome.unknown && echo != .idempotent, hiding: secrets)
    }

    private func learn(sent: String, echoed: String?) {
        let before = echo
        echo.learn(sent: sent, echoed: echoed)
        guard echo != before else { return }
        switch echo {
        case .untested, .idempotent: break
        case .notIdempotent:
            calls.environment.logger.warning(
                "\(name) does not echo our x-request-id: a retry may run a flow twice, so let its flows be idempotent")
        case .noReceipt:
            calls.environment.logger.error(
                """
                \(name) says yes without FlowMate's receipt: is baseUrl right, or did a gateway or a login page answer? What \
                it took counts as delivered, and may be lost; once it is mended, `sluice replay --since` sends it again
                """)
        }
    }

    /// For how long an active flow has had no webhook, as far as calls have told.
    private func missing(_ flow: String, isActive: Bool) -> Duration {
        guard isActive else {
            missingSince[flow] = nil
            return .zero
        }
        let now = calls.environment.clock.uptime
        if missingSince.count >= Self.maximumRememberedFlows, missingSince[flow] == nil { missingSince.removeAll() }
        let since = missingSince[flow] ?? now
        missingSince[flow] = since
        return .milliseconds(now - since)
    }

    private func afterReading(_ flow: String, _ answer: Answer) async -> AttemptOutcome {
        let state: FlowState
        do {
            let client = FlowMateClient(settings: settings, http: calls.environment.http)
            let seen = try await client.flow(flow)
            await contracts?.saw(seen, id: flow, destination: name)
            state = FlowState.judge(seen, missing: missing(flow, isActive: seen?.status == "active"))
        } catch {
            state = .hold(reason: "\(answer.outcome.reason), and its state is unknown: \(error)", for: nil)
        }
        return switch state {
        case .retry(let reason): .retry(note(answer, reason: reason), after: nil)
        case .hold(let reason, let length): .hold(note(answer, reason: reason), scope: .target, for: length)
        case .park(let reason): .park(note(answer, reason: reason))
        }
    }
}
