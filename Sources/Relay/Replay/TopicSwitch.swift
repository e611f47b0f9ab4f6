import Store

/// Stops a topic's stream for a moment, so that its cursor can be moved under a running relay: nothing else may write a
/// cursor that a stream holds in memory.
package actor TopicSwitch {
    private var running: [Cursor.Key: Task<Void, Never>] = [:]
    /// Moves under way, and streams that wait for their end.
    private var moving: Set<Cursor.Key> = []
    /// Streams that were stopped for a move, and go on after it.
    private var restarting: Set<Cursor.Key> = []
    /// Moves that wait for the one under way.
    private var turns: [Cursor.Key: [CheckedContinuation<Void, Never>]] = [:]
    private var held: [Cursor.Key: CheckedContinuation<Void, Never>] = [:]

    package init() {}

    /// Runs a topic's stream until it ends or the task is cancelled; and anew, from its stored cursor, after each move.
    package func run(_ key: Cursor.Key, _ stream: @escaping @Sendable () async -> Void) async {
        restarting.remove(key)
        while !Task.isCancelled {
            let task = Task { await stream() }
            running[key] = task
            await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                task.cancel()
            }
            running[key] = nil
            // The move may be over already when this stream hears of its end.
            if moving.contains(key) { await withCheckedContinuation { held[key] = $0 } }
            guard restarting.remove(key) != nil else { return }
        }
    }

    /// Stops the stream, performs the change, and lets the stream go on from what is stored then.
    ///
    /// - Returns: whether there is a stream that goes on; one that has stopped by itself starts with the next relay.
    func move<Failure: Error>(
        _ key: Cursor.Key, _ change: @Sendable () async throws(Failure) -> Void
    ) async throws(Failure) -> Bool {
        if !moving.insert(key).inserted {
            // Two operators at once: the stream stays where it is until the last of them has made his change.
            await withCheckedContinuation { turns[key, default: []].append($0) }
        }
        defer { ended(key) }
        if let task = running[key] {
            restarting.insert(key)
            task.cancel()
            await task.value
        }
        try await change()
        return restarting.contains(key)
    }

    /// The next move has its turn, or the stream goes on.
    private func ended(_ key: Cursor.Key) {
        if var others = turns.removeValue(forKey: key) {
            let next = others.removeFirst()
            if !others.isEmpty { turns[key] = others }
            return next.resume()
        }
        moving.remove(key)
        held.removeValue(forKey: key)?.resume()
    }
}
