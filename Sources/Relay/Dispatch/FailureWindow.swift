import DequeModule

/// Counts how the latest attempts at a destination went: opens its breaker when too many of them failed. No clock.
struct FailureWindow {
    private struct Outcome {
        let at: Int64
        let isFailure: Bool
    }

    private let limits: DispatchLimits
    private var outcomes: Deque<Outcome> = []
    private(set) var failures = 0

    init(limits: DispatchLimits) { self.limits = limits }

    var attempts: Int { outcomes.count }

    /// - Parameters:
    ///   - now: uptime, milliseconds.
    ///   - concurrency: attempts that break off together are one event, so that more of them are looked at.
    mutating func note(isFailure: Bool, now: Int64, concurrency: Int) {
        outcomes.append(Outcome(at: now, isFailure: isFailure))
        if isFailure { failures += 1 }
        let most = max(limits.breakerAttempts * 2, concurrency * 2)
        while let first = outcomes.first, outcomes.count > most || first.at <= now - limits.breakerMilliseconds {
            outcomes.removeFirst()
            if first.isFailure { failures -= 1 }
        }
    }

    /// Enough failed for the breaker to open.
    var isTooMuch: Bool {
        attempts >= limits.breakerAttempts && Double(failures) >= limits.breakerShare * Double(attempts)
    }

    mutating func reset() {
        outcomes.removeAll(keepingCapacity: true)
        failures = 0
    }
}

extension AttemptNote {
    /// Nobody answered, or only something that stands in front of the receiver.
    var isUnreachable: Bool { status == nil || status == 408 || status == 502 || status == 503 || status == 504 }
}

extension AttemptOutcome {
    /// The receiver is not well, whatever the delivery: no answer, or one of 5xx.
    var isReceiverFailure: Bool {
        guard case .retry(let note, _) = self, note.receiverWasAsked else { return false }
        return note.isUnreachable || (500...599).contains(note.status ?? 0)
    }

    /// The receiver would do better with fewer requests at a time.
    var isOverload: Bool { isReceiverFailure || note.status == 429 }

    /// The receiver said when to come again.
    var isAsked: Bool {
        switch self {
        case .retry(_, after: .some), .hold(_, _, for: .some): true
        default: false
        }
    }
}
