import Events
import Store

/// One process of the relay, from its start until it ends, is killed, or loses its power. What it waits for is waited
/// for here, so that nothing of it reaches the world afterwards.
///
/// Unchecked: see `Machine`.
final class Life: @unchecked Sendable {
    let number: Int
    let machine: Machine
    let startedAt: Int64
    private(set) var isOver = false
    /// By topic, the events that the stored cursor had passed when somebody looked last.
    var passed: [String: Int] = [:]
    /// `Defect.replayMovesCursor`
    var movedBy: Set<String> = []
    private var sleepers: [Int: Sleeper] = [:]
    private var next = 0

    private struct Sleeper {
        var timer: Int
        var continuation: UnsafeContinuation<Void, any Error>
    }

    init(number: Int, machine: Machine) {
        self.number = number
        self.machine = machine
        startedAt = machine.now
    }

    var sleeping: Int { sleepers.count }

    /// From now on nothing that this process waits for comes.
    func end() {
        isOver = true
        for sleeper in sleepers.values { machine.cancel(sleeper.timer) }
    }

    /// - Throws: `CancellationError` when the task is cancelled. Does not return otherwise once the life is over.
    func sleep(until moment: Int64) async throws {
        next += 1
        let id = next
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                guard !Task.isCancelled else { return continuation.resume(throwing: CancellationError()) }
                let timer = machine.at(moment) { [self] in wake(id) }
                if isOver { machine.cancel(timer) }
                sleepers[id] = Sleeper(timer: timer, continuation: continuation)
            }
        } onCancel: {
            guard let sleeper = sleepers.removeValue(forKey: id) else { return }
            machine.cancel(sleeper.timer)
            sleeper.continuation.resume(throwing: CancellationError())
        }
    }

    /// Lets everything go that still waits, once, so that it takes no memory. At the very end.
    func release() {
        let waiting = sleepers.values
        sleepers = [:]
        for sleeper in waiting { sleeper.continuation.resume(throwing: CancellationError()) }
    }

    func sleep(for milliseconds: Int64) async throws { try await sleep(until: machine.now + milliseconds) }

    private func wake(_ id: Int) {
        guard !isOver else { return }
        sleepers.removeValue(forKey: id)?.continuation.resume()
    }
}
