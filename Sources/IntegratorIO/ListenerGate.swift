/// Decides whether a listener may be posted to, from what integrator.io tells of it now and then. No network, no clock.
///
/// What is posted while the flow is disabled is lost without a word, so that an answer that says so closes the gate; an
/// answer that does not come changes nothing. Times are epoch milliseconds, only to be told: who asks keeps intervals.
package struct ListenerGate: Sendable {
    package enum State: Sendable, Equatable {
        /// Nothing is known yet.
        case unchecked
        case open
        /// Posts would be lost; why.
        case closed(String)
    }

    /// Between checks of a listener that is open, and of one that is not.
    static let openInterval: Int64 = 120_000
    static let closedInterval: Int64 = 30_000
    /// After a check without an answer.
    static let troubleInterval: Int64 = 30_000
    static let longestInterval: Int64 = 3_600_000

    package let listener: String
    package private(set) var state = State.unchecked
    /// When integrator.io last said how it is.
    package private(set) var checkedAt: Int64?
    /// Why the last check brought no answer, or what is odd; empty when all is well.
    package private(set) var remark = ""
    /// The flows that were found; the next check asks for these.
    package private(set) var flows: [String] = []
    /// From the last check to the next.
    package private(set) var interval: Int64 = 0
    private var posts = 0
    /// Posts that were made before the last good check, and when it began.
    private var safePosts = 0
    private var safeUntil: Int64?

    package init(listener: String) { self.listener = listener }

    /// Whether deliveries are held back, if there are any.
    package var isHolding: Bool { state != .open && (state != .unchecked || !remark.isEmpty) }

    /// A post was accepted.
    package mutating func posted() { posts += 1 }

    /// What a check needs to know afterwards.
    package struct Check: Sendable {
        var startedAt: Int64
        var posts: Int
    }

    package func begin(at now: Int64) -> Check { Check(startedAt: now, posts: posts) }

    /// - Returns: what to tell, once for each change.
    package mutating func ended(
        _ check: Check, _ result: Result<ListenerActivation, FlowRunPlan.Trouble>, at now: Int64
    ) -> [FlowRunPlan.Notice] {
        switch result {
        case .success(let activation): learned(activation, check, now)
        case .failure(let trouble): failed(trouble)
        }
    }

    private mutating func learned(
        _ activation: ListenerActivation, _ check: Check, _ now: Int64
    ) -> [FlowRunPlan.Notice] {
        checkedAt = now
        flows = activation.flows
        if let obstacle = activation.obstacle {
            return close("\(obstacle)", "\(obstacle.advice) It goes on by itself then")
        }
        interval = Self.openInterval
        (safePosts, safeUntil) = (check.posts, check.startedAt)
        var notices: [FlowRunPlan.Notice] = []
        if case .closed = state {
            notices.append(.init(level: .info, text: "listener \(listener) takes events again; what waited goes on"))
        }
        state = .open
        return notices + remark(activation.problems.map { "\($0). \($0.advice)" }.joined(separator: " "), .warning)
    }

    private mutating func failed(_ trouble: FlowRunPlan.Trouble) -> [FlowRunPlan.Notice] {
        switch trouble.kind {
        case .credential:
            return close(
                "whether its flow takes anything cannot be seen: \(trouble.reason)",
                "Without 'export' a listener is not checked")
        case .missing:
            return close("its export is not there: \(trouble.reason)", "Correct 'export', or the token's account")
        case .scope, .invalid, .configuration:
            // This token will never tell: better unchecked than never.
            interval = Self.openInterval
            if state == .unchecked { state = .open }
        case .retry, .unknown, .busy, .rateLimited:
            interval = max(Self.troubleInterval, min(trouble.retryAfter ?? 0, Self.longestInterval))
        }
        let isPassing = [.retry, .unknown, .busy, .rateLimited].contains(trouble.kind)
        return remark("it cannot be checked: \(trouble.reason)", isPassing ? .info : .warning)
    }

    private mutating func close(_ reason: String, _ advice: String) -> [FlowRunPlan.Notice] {
        interval = Self.closedInterval
        let before = state
        state = .closed(reason)
        remark = ""
        guard before != state else { return [] }
        var text = "listener \(listener) is held: \(reason). \(advice)"
        if before == .open, let safeUntil, posts > safePosts {
            text +=
                "; \(posts - safePosts) posts since \(ISOTime.text(safeUntil)) may be lost, "
                + "`sluice replay --since` sends them again"
        }
        return [.init(level: .alarm, text: text)]
    }

    private mutating func remark(_ text: String, _ level: FlowRunPlan.Notice.Level) -> [FlowRunPlan.Notice] {
        guard text != remark else { return [] }
        remark = text
        return text.isEmpty ? [] : [.init(level: level, text: "listener \(listener): \(text)")]
    }
}

/// How a listener stands, for people.
package struct ListenerStatus: Sendable, Equatable {
    package var listener: String
    package var state: ListenerGate.State
    package var remark: String
    package var checkedAt: Int64?

    package init(_ gate: ListenerGate) {
        listener = gate.listener
        state = gate.state
        remark = gate.remark
        checkedAt = gate.checkedAt
    }
}
