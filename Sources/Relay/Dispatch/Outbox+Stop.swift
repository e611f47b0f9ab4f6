import Events
import Logging

extension Outbox {
    /// Stops: starts no further attempt, waits for those under way, and writes what is left. Afterwards the store may
    /// be closed.
    ///
    /// - Parameter limit: for the attempts. Those that take longer are cancelled and made again after the next start, with
    ///   the same delivery ID. The last commit is given up at `longestStop`.
    /// - Returns: whether everything is safe. If not, the unwritten events come again from their cursors.
    package func stop(within limit: Duration) async -> Bool {
        isStopping = true
        reportRoom()
        for route in routes.values { route.resumeIntake() }
        wakeTask?.cancel()
        rescueTask?.cancel()
        let began = clock.uptime
        let deadline = began + limit.milliseconds
        let alarm = Task {
            do { try await clock.sleep(untilUptime: deadline) } catch { return }
            cancelWorkers()
            do { try await clock.sleep(untilUptime: began + Self.longestStop(within: limit).milliseconds) } catch { return }
            abandon()
        }
        await withCheckedContinuation { continuation in
            if workers.isEmpty { continuation.resume() } else { idleWaiters.append(continuation) }
        }
        await flush()
        alarm.cancel()
        for route in routes.values { route.log.end(route.name, labels: labels, logger: logger) }
        let isSafe = !isAbandoned && ledger.isClean
        abandon()
        return isSafe
    }

    /// The limit of attempts, and for the last commit a fifth of it more, 5 s at most.
    package static func longestStop(within limit: Duration) -> Duration { limit + min(limit / 5, .seconds(5)) }

    func reportIdle() {
        guard workers.isEmpty else { return }
        for waiter in idleWaiters { waiter.resume() }
        idleWaiters.removeAll()
    }

    private func cancelWorkers() {
        guard !workers.isEmpty else { return }
        let count = workers.count == 1 ? "1 attempt" : "\(workers.count) attempts"
        logger.warning("\(count) took too long to stop; they are made again after the next start")
        let now = clock.now
        for worker in workers.values {
            worker.task.cancel()
            cutOff(worker, now)
        }
        workers.removeAll()
        reportIdle()
    }

    /// Ends at once and writes nothing more, as a crash would.
    package func abandon() {
        isStopping = true
        isAbandoned = true
        wakeTask?.cancel()
        rescueTask?.cancel()
        loopSleep?.task.cancel()
        for worker in workers.values { worker.task.cancel() }
        workers.removeAll()
        reportIdle()
        reportRoom()
        for route in routes.values { route.resumeIntake() }
        for waiter in flushWaiters { waiter.continuation.resume() }
        flushWaiters.removeAll()
    }
}
