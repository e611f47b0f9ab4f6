import Events
import Testing

@testable import Relay

@Suite struct RequestBudgetTests {
    @Test func `asking costs nothing, taking does`() {
        let budget = RequestBudget(rate: 2, now: 0)
        #expect(budget.wait(now: 0) == 0)
        #expect(budget.wait(now: 0) == 0)
        budget.take(now: 0)
        budget.take(now: 0)
        #expect(budget.wait(now: 0) == 500)
        #expect(budget.wait(now: 500) == 0)
    }

    @Test func `a pause holds everybody, and a shorter one does not end it`() {
        let budget = RequestBudget(rate: nil, now: 0)
        budget.slowDown(for: 10_000, now: 0)
        budget.slowDown(for: 1_000, now: 0)
        #expect(budget.wait(now: 4_000) == 6_000)
        #expect(budget.pause(now: 10_000) == 0)
    }

    @Test func `destinations with the same credential share a budget, with the highest of their rates`() {
        let accounts = AccountBudgets()
        func account(_ token: String) -> AccountBudgets.Account {
            AccountBudgets.Account(root: "https://io", credential: Secret(token))
        }
        let first = accounts.budget(of: account("a"), rate: 50, now: 0)
        #expect(accounts.budget(of: account("a"), rate: 80, now: 0) === first)
        #expect(accounts.budget(of: account("b"), rate: 50, now: 0) !== first)
        #expect(first.rate == 80)
    }

    @Test(arguments: [10.0, 50.0])
    func `a destination is sent what its rate allows, and its lanes wait without holding others up`(
        rate: Double
    ) async throws {
        let clock = ManualClock()
        let budget = RequestBudget(rate: rate, now: 0)
        let bench = try await Bench(clock: clock, concurrency: 8, budgets: [budget])
        try await bench.outbox.accept(Make.batch((0..<300).map { Make.delivery($0, lane: "\($0)") }, cursor: 300))
        // Time that passes while an attempt is under way would count against the rate.
        try await clock.run("all delivered", busy: { await bench.outbox.isWorking }) { bench.sink.delivered.count == 300 }
        let seconds = Double(clock.uptime) / 1000
        let least = (300 - rate) / rate
        #expect(seconds >= least - 0.1 && seconds <= least * 1.1 + 0.5, "\(seconds) s")
        let status = await bench.outbox.status().destinations[0]
        #expect(status.pace?.rate == rate)
    }

    @Test func `a pause of the account stops its other destinations too, and ends by itself`() async throws {
        let clock = ManualClock()
        let account = RequestBudget(rate: nil, now: 0)
        let sink = FakeSink()
        let bench = try await Bench(clock: clock, sink: sink, names: ["hook", "other"], budgets: [account])
        account.slowDown(for: 30_000, now: 0)
        try await bench.outbox.accept(
            Make.batch([Make.delivery(1), Make.delivery(2, destination: "other")], cursor: 2))
        #expect(await bench.outbox.status().destinations.allSatisfy { $0.pace?.pausedUntil == clock.wall + 30_000 })
        #expect(sink.attempts.isEmpty)
        try await bench.run("both delivered") { sink.delivered.count == 2 }
        #expect((30_000...30_100).contains(clock.uptime))
    }
}
