import Events
import Synchronization

/// Time that passes only when a test says so, or, with `autoAdvance`, whenever somebody sleeps.
package final class ManualTime: Sendable {
    private struct Sleeper {
        let id: Int
        let until: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Duration = .zero
        var sleepers: [Sleeper] = []
        var cancelled: Set<Int> = []
        var nextID = 0
        var slept: [Duration] = []
    }

    private let state = Mutex(State())
    private let start: Int64
    private let autoAdvance: Bool
    private let period: Duration?

    /// - Parameters:
    ///   - start: epoch milliseconds at the beginning.
    ///   - period: of something that looks again and again: sleeps of that length do not make time pass by themselves, or
    ///     it would run away.
    package init(start: Int64 = 1_700_000_000_000, autoAdvance: Bool = false, but period: Duration? = nil) {
        self.start = start
        self.autoAdvance = autoAdvance
        self.period = period
    }

    package var source: TimeSource {
        TimeSource(
            wall: { [self] in start + monotonic.milliseconds }, monotonic: { [self] in monotonic },
            sleep: { [self] in try await sleep($0) })
    }

    package var monotonic: Duration { state.withLock { $0.now } }

    /// Every wait that was asked for, in order.
    package var slept: [Duration] { state.withLock { $0.slept } }

    package func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.until <= state.now }
            state.sleepers.removeAll { $0.until <= state.now }
            return due
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    private func sleep(_ duration: Duration) async throws {
        try Task.checkCancellation()
        if autoAdvance, duration != period {
            state.withLock { $0.slept.append(duration) }
            advance(by: duration)
            await Task.yield()
            return
        }
        let id = state.withLock { state in
            state.nextID += 1
            state.slept.append(duration)
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return true }
                    state.sleepers.append(Sleeper(id: id, until: state.now + duration, continuation: continuation))
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func cancel(_ id: Int) {
        let sleeper = state.withLock { state -> Sleeper? in
            guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
                state.cancelled.insert(id)
                return nil
            }
            return state.sleepers.remove(at: index)
        }
        sleeper?.continuation.resume(throwing: CancellationError())
    }
}
