import Events

/// Where the calls of one org wait for their turn. First come, first served.
actor CallGate {
    /// Calls that wait for a slot; more are refused.
    static let maximumWaiting = 10_000

    private var budget: CallBudget
    private let time: TimeSource
    private var waiting: [(number: Int, continuation: CheckedContinuation<Bool, Never>)] = []
    private var nextNumber = 0
    private var clock = ClockLead()

    init(_ budget: CallBudget, time: TimeSource) {
        self.budget = budget
        self.time = time
    }

    var usage: APIUsage? { budget.usage }

    /// Because Salesforce said that a limit is reached.
    var isHeld: Bool { budget.heldUntil.map { time.monotonic() < $0 } ?? false }

    /// - Returns: nil once the call may start; otherwise how long the limit bars it.
    /// - Throws: `.cancelled`, or `.limitReached` if too many wait already.
    func enter(_ action: String) async throws(RESTError) -> Duration? {
        while true {
            switch budget.start(at: time.monotonic()) {
            case .go: return nil
            case .wait(let pause):
                // What bars this call bars the others too, and no running call will wake them.
                if budget.running == 0 { wake(waiting.count) }
                return pause
            case .queue:
                guard waiting.count < Self.maximumWaiting else {
                    throw RESTError(
                        .limitReached, action: action, message: "\(Self.maximumWaiting) other calls wait already")
                }
                guard await turn() else { throw .cancelled(action) }
            }
        }
    }

    /// Milliseconds.
    var clockLead: Int64 { clock.milliseconds }

    func noteDate(_ date: Int64, sent: Int64) { clock.note(sent: sent, date: date, at: time.monotonic()) }

    func leave(_ usage: APIUsage?, answered: Bool, holdFor pause: Duration?) {
        budget.finished(usage, answered: answered)
        if let pause { budget.hold(for: pause, at: time.monotonic()) }
        // After the first answer many may start; each that cannot comes back to the line.
        wake(max(1, budget.concurrency - budget.running))
    }

    private func wake(_ count: Int) {
        let next = waiting.prefix(count)
        waiting.removeFirst(next.count)
        for waiter in next { waiter.continuation.resume(returning: true) }
    }

    /// - Returns: false if the task was cancelled.
    private func turn() async -> Bool {
        nextNumber += 1
        let number = nextNumber
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled { return continuation.resume(returning: false) }
                waiting.append((number, continuation))
            }
        } onCancel: {
            Task { await self.giveUp(number) }
        }
    }

    private func giveUp(_ number: Int) {
        guard let index = waiting.firstIndex(where: { $0.number == number }) else { return }
        waiting.remove(at: index).continuation.resume(returning: false)
    }
}
