import Curl
import Events
import FlowMate
import Rules
import Synchronization
import Testing

@testable import Relay

/// What webhooks accepted, held against what FlowMate executed.
@Suite struct FlowAccountsTests {
    static let flow = FlowContractsTests.flow

    /// A FlowMate whose webhook says yes, and whose count of executions a test sets.
    final class World: Sendable {
        let executed = Mutex<Int?>(nil)
        let days = Mutex<[String]>([])

        func answer(_ request: HTTPRequest) -> FakeHTTP.Answer {
            guard request.url.contains("/icenter/executions") else {
                let id = request.headers.first { $0.name == "x-request-id" }?.value ?? ""
                return Self.json(200, #"{"data":{"requestId":"\#(id)"}}"#)
            }
            days.withLock { $0.append(String(request.url.split(separator: "?")[1])) }
            guard let executed = executed.withLock({ $0 }) else { return Self.json(503, "") }
            return Self.json(200, #"{"data":[{"id":"\#(FlowAccountsTests.flow)","count":\#(executed)}]}"#)
        }

        private static func json(_ status: Int, _ body: String) -> FakeHTTP.Answer {
            .success(HTTPResponse(status: status, body: Array(body.utf8)))
        }
    }

    private struct Bench {
        let world = World()
        let clock: TurnedClock
        let finder: FlowFinder
        let sink: any Sink

        init(clock: TurnedClock = TurnedClock(), journal: MemoryJournal = MemoryJournal()) throws {
            let world = world
            self.clock = clock
            let rules = CurrentRules(try FlowContractsTests.Bench.ruleSet("off"))
            let environment = SinkEnvironment.test(
                FakeHTTP { world.answer($0) }, clock: clock, environment: ["T": "token-1"])
            finder = FlowFinder(rules: rules, environment: environment, journal: journal)
            let factory = SinkFactory(
                environment: environment, journal: journal, outcomes: RecordedOutcomes(), contracts: finder)
            let definition = try #require(rules.current.destinations["d"])
            sink = try #require(factory.make(definition).ready).sink
        }

        func deliver(_ ids: ClosedRange<Int>) async {
            for id in ids {
                _ = await sink.attempt(.make("sl_\(id)", to: .flow(id: FlowAccountsTests.flow)), number: 1)
            }
        }

        var counts: AcceptedCounts { finder.tally.counts(of: "d") }

        /// Lets an hour pass at a time, until `isDone` or until so many did. Nothing else sleeps by this clock.
        func live(hours: Int, until isDone: () async -> Bool) async {
            let task = Task { await finder.keepAccounts() }
            for _ in 0..<hours where await !isDone() {
                while clock.nextWake == nil { await Task.yield() }
                clock.advance(by: 3_600_000)
                while clock.nextWake == nil { await Task.yield() }
            }
            task.cancel()
            await task.value
        }
    }

    @Test func `a day that is over is compared, and a shortfall stays known`() async throws {
        let bench = try Bench()
        await bench.deliver(1...5)
        await bench.deliver(5...5)
        bench.world.executed.withLock { $0 = 3 }
        await bench.live(hours: 40) { bench.counts.all.first?.counts.isChecked == true }
        let day = try #require(bench.counts.all.first?.counts)
        #expect(day.flows == [Self.flow: 5])
        #expect(day.shortfalls.count == 1)
        #expect(day.shortfalls[0].contains("accepted 5 events and executed 3 steps: at least 2 events are lost"))
        #expect(!day.shortfalls[0].contains(Self.flow), "a flow's ID is a secret")
        #expect(
            bench.world.days.withLock { $0 } == [
                "start=2027-01-15&end=2027-01-15&groupby=flow", "start=2027-01-14&end=2027-01-16&groupby=flow",
            ])
    }

    @Test func `while FlowMate does not tell, it is asked again each hour`() async throws {
        let bench = try Bench()
        await bench.deliver(1...1)
        await bench.live(hours: 40) { bench.world.days.withLock { $0.count } >= 3 }
        let start = bench.clock.uptime
        #expect(bench.counts.all.first?.counts.isChecked == false)
        bench.world.executed.withLock { $0 = 1 }
        await bench.live(hours: 5) { bench.counts.all.first?.counts.isChecked == true }
        #expect(bench.counts.all.first?.counts.shortfalls == [])
        #expect(bench.clock.uptime - start <= 2 * 3_600_000)
    }

    @Test func `counts outlive the process, and what comes again is not counted again`() async throws {
        let journal = MemoryJournal()
        let first = try Bench(journal: journal)
        await first.deliver(1...3)
        await first.live(hours: 2) { await journal.states["counts"] != nil }
        let second = try Bench(clock: first.clock, journal: journal)
        await second.finder.openAccounts()
        await second.deliver(3...4)
        #expect(second.counts.all.first?.counts.flows == [Self.flow: 4])
    }
}
