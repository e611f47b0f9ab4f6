import Events
import Synchronization

/// Lets changes that people ask for through until the relay stops: what begins while it drains could come to nothing.
final class StopGate: Sendable {
    private struct State {
        var underWay = 0
        /// By when the relay has ended, epoch milliseconds. From then on nothing is let through.
        var endsBy: Int64?
        var waiting: CheckedContinuation<Void, Never>?

        mutating func takeWaiting() -> CheckedContinuation<Void, Never>? {
            defer { waiting = nil }
            return waiting
        }
    }

    private let state = Mutex(State())

    /// Nil until the relay stops.
    var endsBy: Int64? { state.withLock { $0.endsBy } }

    /// - Returns: whether it may begin. Then `leave` must follow.
    func enter() -> Bool {
        state.withLock {
            guard $0.endsBy == nil else { return false }
            $0.underWay += 1
            return true
        }
    }

    func leave() {
        state.withLock {
            $0.underWay -= 1
            return $0.underWay == 0 ? $0.takeWaiting() : nil
        }?.resume()
    }

    /// Lets nothing more through, and waits for what is under way: for so long at most. Once.
    func close(endsBy: Int64, within limit: Duration, _ time: TimeSource) async {
        let isQuiet = state.withLock {
            $0.endsBy = endsBy
            return $0.underWay == 0
        }
        guard !isQuiet else { return }
        let patience = Task {
            try? await time.sleep(limit)
            state.withLock { $0.takeWaiting() }?.resume()
        }
        await withCheckedContinuation { continuation in
            let isQuiet = state.withLock {
                if $0.underWay > 0 { $0.waiting = continuation }
                return $0.underWay == 0
            }
            if isQuiet { continuation.resume() }
        }
        patience.cancel()
    }
}

extension ControlRoute {
    /// What only reads is answered until the end.
    func refused(by gate: StopGate, underWay: @escaping @Sendable () async -> Int, _ time: TimeSource) -> ControlRoute {
        guard isChange else { return self }
        let (name, answer) = (name, answer)
        return ControlRoute(name, isChange: true) { bytes async throws(ControlError) in
            guard gate.enter() else {
                let seconds = max(1, ((gate.endsBy ?? 0) - time.wall() + 999) / 1000)
                throw ControlError(
                    .environment,
                    "\(name): the relay is stopping: \(attempts(await underWay())) under way, and it ends within \(seconds) "
                        + "s. Nothing was changed; ask again when it has ended, or was started again.")
            }
            defer { gate.leave() }
            return try await answer(bytes)
        }
    }
}

private func attempts(_ count: Int) -> String { count == 1 ? "1 attempt is" : "\(count) attempts are" }
