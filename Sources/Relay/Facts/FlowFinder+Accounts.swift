import Events
import FlowMate
import Store

/// The daily reconciliation: what the webhooks took is kept in the store, and held against FlowMate's own counts once a
/// day is over.
extension FlowFinder {
    /// Between two looks; what was counted since the last one is counted again after a crash.
    static let accountingMilliseconds: Int64 = 60_000
    /// Between two tries to compare a day.
    static let comparingMilliseconds: Int64 = 3_600_000
    static let accountsFlow = "counts"

    static func accountsName(_ destination: String) -> String { "flowmate-accepted:\(destination)" }

    /// Takes over what was counted before a restart. Called before anything is delivered.
    package func openAccounts() async {
        for destination in rules.current.destinations.values where destination.kind == .flowmate {
            await openAccount(destination.name)
        }
    }

    private func openAccount(_ name: String) async {
        guard let journal else { return }
        do {
            let saved = try await journal.runStates(of: Self.accountsName(name))
            guard let counts = saved[Self.accountsFlow].flatMap(AcceptedCounts.init(json:)) else {
                return
            }
            tally.restore(counts, of: name)
        } catch {
            environment.logger.warning(
                "cannot read what flows of \(name) accepted; counting begins anew: \(error)")
        }
    }

    /// Keeps counts and compares days until the task is cancelled; then keeps them once more.
    package func keepAccounts() async {
        while !Task.isCancelled {
            let isOver = (try? await environment.clock.sleep(untilUptime: now + Self.accountingMilliseconds)) == nil
            await saveAccounts()
            guard !isOver, !Task.isCancelled else { return }
            for name in tally.destinations { await compare(name) }
            await keepTokensAlive()
        }
    }

    private func saveAccounts() async {
        guard let journal else { return }
        for name in tally.destinations {
            guard let counts = tally.takeDirty(name) else { continue }
            do {
                try await journal.saveRunState(
                    counts.json, destination: Self.accountsName(name), flow: Self.accountsFlow)
            } catch {
                tally.notKept(name)
                environment.logger.warning("cannot keep what flows of \(name) accepted: \(error)")
            }
        }
    }

    private func compare(_ name: String) async {
        let wall = environment.clock.wall()
        let due = tally.counts(of: name).due(at: wall)
        guard let day = due.first,
            comparedAt[name].map({ now - $0 >= Self.comparingMilliseconds }) ?? true
        else { return }
        comparedAt[name] = now
        guard (try? await open(name)) != nil, let client = entries[name]?.client,
            client.settings.credential != nil
        else { return }
        let date = AcceptedCounts.name(of: day)
        do throws(FlowMateError) {
            let found = try await client.compare(
                tally.counts(of: name), day: day, name: AcceptedCounts.name(of:))
            tally.checked(day, shortfalls: found.map { "\(date): \(lost($0, name))" }, of: name)
            comparedAt[name] = nil
            for shortfall in found {
                environment.logger.error(
                    "\(name), \(date): \(lost(shortfall, name)); `sluice replay` sends a day again")
            }
            if found.isEmpty {
                environment.logger.info("\(name), \(date): all that was accepted was executed")
            }
        } catch {
            environment.logger.warning(
                "cannot compare what flows of \(name) accepted on \(date): \(error); it is tried again")
        }
    }
}

extension FlowFinder {
    private func lost(_ shortfall: AcceptedCheck.Shortfall, _ name: String) -> String {
        "\(title(of: shortfall.flow, entries[name])) accepted \(shortfall.accepted) events and executed "
            + "\(shortfall.executions) steps: at least \(shortfall.accepted - shortfall.executions) events are lost "
            + "inside FlowMate"
    }
}

extension AcceptedCounts {
    /// As a relay last kept them; empty if it never did.
    package init(kept store: Store, of destination: String) async throws(StoreError) {
        let states = try await store.flowRunStates(of: FlowFinder.accountsName(destination))
        self = states[FlowFinder.accountsFlow].flatMap(AcceptedCounts.init(json:)) ?? AcceptedCounts()
    }

    /// `2026-11-22`
    package static func name(of day: Int64) -> String { Timestamp.dateOnly(start(day)) }
}
