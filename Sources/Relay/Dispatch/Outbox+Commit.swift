import Events
import Logging
import Store

/// A commit that does not succeed, since when, and how often it was tried.
struct CommitFailure {
    var error: StoreError
    var since: Int64
    var tries: Int
    /// Something could not be read; whether it can be written is another question.
    var isOfRead: Bool
}

extension Outbox {
    /// Sees to it that what is dirty gets written and what is wanted gets read. Cheap; called after every change.
    ///
    /// - Parameter uptime: the clock's, where the caller has just asked it.
    func stir(reads: Bool = false, uptime: Int64? = nil) {
        guard !isAbandoned else { return }
        let now = uptime ?? clock.uptime
        if ledger.isDirty, commitDue == nil {
            let wait = ledger.isOnlyCursors ? limits.keepaliveCommitMilliseconds : limits.commitMilliseconds
            commitDue = now + wait
        } else if let due = commitDue, failure == nil, due > now + limits.commitMilliseconds, !ledger.isOnlyCursors {
            commitDue = now + limits.commitMilliseconds
        }
        let isFull = ledger.unwritten >= limits.commitCount || ledger.unwrittenBytes >= limits.commitBytes
        if isFull, failure == nil { commitIsUrgent = true }
        let wantsReads = reads && failure == nil && !isStopping
        guard ledger.isDirty || wantsReads else { return }
        if loop == nil {
            loop = Task { await storeLoop() }
        } else if let sleeping = loopSleep, wantsReads || commitIsUrgent || (commitDue ?? .max) < sleeping.until {
            sleeping.task.cancel()
        }
    }

    /// All use of the store, one piece after another: so no page is read while a commit is under way, and every row
    /// is either in memory or beyond what was read.
    private func storeLoop() async {
        while !isAbandoned {
            let isDue = (commitDue ?? 0) <= clock.uptime
            if ledger.isDirty, commitIsUrgent || isDue {
                await commit()
            } else if failure == nil || isDue, await readPages() {
                continue
            } else if ledger.isDirty || (failure != nil && (commitDue ?? 0) > clock.uptime) {
                await sleepUntilDue()
            } else {
                recovered()
                break
            }
        }
        loop = nil
    }

    private func sleepUntilDue() async {
        let due = commitDue ?? clock.uptime
        let task = Task { _ = try? await clock.sleep(untilUptime: due) }
        loopSleep = (due, task)
        await task.value
        loopSleep = nil
    }

    // MARK: Commits

    private func commit() async {
        commitIsUrgent = false
        commitDue = nil
        takes += 1
        let take = takes
        for route in routes.values {
            route.log.report(route.name, now: clock.now, labels: labels, logger: logger)
            route.committing()
            recordPauses(of: route)
        }
        do {
            // Of a delivery that died, its receiver knows nothing: should a power loss bring it back, it would be an old
            // state that is new, behind a newer one that went out since.
            let isSynced = routes.values.contains { $0.lanes.isSettling }
            let repeated = try await store.commit(ledger.take(), wall: clock.wall(), isSynced: isSynced)
            guard !isAbandoned else { return }
            let growth = ledger.committed(repeated: repeated)
            for entry in growth.repeated { routes[entry.delivery.destination]?.pending -= 1 }
            stored += growth.rows
            // What was there at the start was only guessed.
            storedBytes = stored == 0 ? 0 : max(0, storedBytes + growth.bytes)
            succeeded(take)
            for route in routes.values {
                route.committed(clock.now)
                pump(route)
            }
            settleCounts()
            await watchLog()
        } catch {
            guard !isAbandoned else { return }
            ledger.failed()
            failed(error)
        }
        if ledger.isDirty, commitDue == nil { stir() }
        reportRoom()
    }

    /// A log that is not written back takes more and more of the disk, and SQLite does not say so.
    private func watchLog() async {
        guard let size = store.overgrownLog else {
            if logCheckDue != nil { logger.notice("the log of the store \(store.path) is written back again") }
            logCheckDue = nil
            return
        }
        guard clock.uptime >= logCheckDue ?? .min else { return }
        do throws(StoreError) {
            try await store.writeBackLog()
            // The next commit cuts it.
        } catch {
            guard !isAbandoned else { return }
            if logCheckDue == nil {
                logger.error("\(error) The log has everything, and grows meanwhile (\(size >> 20) MB); nothing is lost.")
            }
            logCheckDue = clock.uptime + limits.commitRetryCeiling
        }
    }

    /// A delivery that came again while its row was there was counted twice, since the earlier row stands for both.
    private func settleCounts() {
        for route in routes.values where route.isEmpty { route.pending = 0 }
        guard ledger.isClean, routes.values.allSatisfy(\.isEmpty) else { return }
        (stored, storedBytes) = (0, 0)
    }

    private func recovered() {
        guard let failure else { return }
        let seconds = (clock.uptime - failure.since) / 1000
        logger.notice("the store \(store.path) works again after \(seconds) s; nothing was lost")
        self.failure = nil
        for route in routes.values { pump(route) }
    }

    private func succeeded(_ take: Int) {
        recovered()
        // There may be nothing left for the commit that somebody waits for.
        let isClean = ledger.isClean
        resumeFlushWaiters { $0.take <= take || isClean }
    }

    private func resumeFlushWaiters(
        where isOver: ((take: Int, endsOnFailure: Bool, continuation: CheckedContinuation<Void, Never>)) -> Bool
    ) {
        flushWaiters.removeAll { waiter in
            guard isOver(waiter) else { return false }
            waiter.continuation.resume()
            return true
        }
    }

    /// Nothing is dropped: what could not be written waits with what comes, and `accept` holds the streams back.
    private func failed(_ error: StoreError, isOfRead: Bool = false) {
        if failure?.error.kind != error.kind {
            logger.error("\(error) Until then the streams are held back; writing is tried again by itself.")
        }
        let tries = (failure?.tries ?? 0) + 1
        failure = CommitFailure(
            error: error, since: failure?.since ?? clock.uptime, tries: tries, isOfRead: isOfRead)
        commitDue =
            clock.uptime
            + RetryPolicy.doubled(limits.commitRetryBase, times: tries - 1, ceiling: limits.commitRetryCeiling)
        let isClean = ledger.isClean
        resumeFlushWaiters { $0.endsOnFailure || isClean }
    }

    /// Returns when everything accepted so far is acknowledged or stored, with its cursor. Waits as long as the store
    /// cannot be written.
    package func flush() async { await flush(endsOnFailure: false) }

    /// As `flush`, but returns as well when the store cannot be written: for who only wants to read what is newest.
    ///
    /// - Returns: whether everything is written.
    @discardableResult
    func flushIfPossible() async -> Bool {
        guard failure == nil else { return false }
        await flush(endsOnFailure: true)
        return failure == nil
    }

    private func flush(endsOnFailure: Bool) async {
        await withCheckedContinuation { continuation in
            guard !isAbandoned, !ledger.isClean else { return continuation.resume() }
            // What is being written now does not hold everything, unless nothing was added since.
            let take = ledger.isDirty ? takes + 1 : takes
            if ledger.isDirty, failure == nil { commitIsUrgent = true }
            stir()
            flushWaiters.append((take, endsOnFailure, continuation))
        }
    }

    // MARK: Pages

    /// - Returns: whether anything was read.
    private func readPages() async -> Bool {
        guard !isStopping else { return false }
        var plan: [(route: Route, lanes: [OutboxRead], claims: [OutboxRead])] = []
        for route in routes.values where route.wantsReads {
            let lanes = route.lanes.reads(for: route.name, now: clock.now)
            plan.append((route, lanes, route.claims.reads(for: route.name)))
        }
        let reads = plan.flatMap { $0.lanes + $0.claims }
        guard !reads.isEmpty else {
            for entry in plan { pump(entry.route) }
            return false
        }
        do {
            var rows = try await store.pending(reads)[...]
            guard !isAbandoned else { return false }
            // A store that can be read may still not be written.
            if failure?.isOfRead == true { recovered() }
            let now = clock.now
            for (route, lanes, claims) in plan {
                route.lanes.loaded(lanes, Array(rows.prefix(lanes.count)), now: now, policy: policy)
                route.claims.loaded(claims, Array(rows.dropFirst(lanes.count).prefix(claims.count)), now: now)
                rows = rows.dropFirst(lanes.count + claims.count)
                pump(route)
            }
            return true
        } catch {
            for entry in plan { entry.route.lanes.loadFailed() }
            failed(error, isOfRead: failure?.isOfRead ?? true)
            return false
        }
    }
}
