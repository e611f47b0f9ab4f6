import Curl
import Events
import Rules
import Synchronization
import Testing

@testable import IntegratorIO
@testable import Relay

@Suite(.timeLimit(.minutes(5))) struct ListenerWatchTests {
    /// An account with one listener, whose flow can be switched.
    final class Account: Sendable {
        struct State {
            var isDisabled = false
            var status = 204
            var apiStatus = 200
            var posts = 0
            var checks = 0
        }

        let state = Mutex(State())

        func answer(_ request: HTTPRequest) -> FakeHTTP.Answer {
            state.withLock { state in
                if request.method == "POST" {
                    // As the real one: accepted, and lost.
                    state.posts += 1
                    return .success(HTTPResponse(status: state.status))
                }
                guard state.apiStatus == 200 else { return .success(HTTPResponse(status: state.apiStatus)) }
                if request.url.hasSuffix("/exports/e") {
                    state.checks += 1
                    return Self.json(#"{"_id":"e","name":"l","type":"webhook","webhook":{"verify":"secret_url"}}"#)
                }
                let flow = #"{"_id":"f","name":"F","disabled":\#(state.isDisabled),"pageGenerators":[{"_exportId":"e"}]}"#
                return Self.json(request.url.hasSuffix("/flows") ? "[\(flow)]" : flow)
            }
        }

        private static func json(_ text: String) -> FakeHTTP.Answer {
            .success(HTTPResponse(status: 200, body: Array(text.utf8)))
        }
    }

    struct House {
        let clock = TurnedClock()
        let account = Account()
        let ready: ReadyDestination
        let delivery = Delivery.make(to: .listener(name: "orders"))

        init(token: Bool = true, export: String? = "e") throws {
            var destination = Destination(name: "io", kind: .integrator, url: "https://io")
            if token { destination.auth = .bearer(.env("T")) }
            destination.listeners = [
                "orders": .init(url: .env("URL"), export: export, auth: nil, sign: nil, records: nil)
            ]
            let account = account
            let factory = SinkFactory(
                environment: .test(
                    FakeHTTP { account.answer($0) }, clock: clock,
                    environment: ["T": "t", "URL": "https://io/v1/exports/e/tokentokentoken1/data"]),
                journal: MemoryJournal(), outcomes: RecordedOutcomes())
            ready = try #require(factory.make(destination).ready)
        }

        func attempt() async -> AttemptOutcome { await ready.sink.attempt(delivery, number: 1) }
        func set(_ change: (inout Account.State) -> Void) { account.state.withLock { change(&$0) } }
        var posts: Int { account.state.withLock(\.posts) }
        var checks: Int { account.state.withLock(\.checks) }

        /// Lets time pass until the account has been asked so often.
        func pass(untilChecks count: Int) async {
            for _ in 0..<100_000 where checks < count {
                await Task.yield()
                if let wake = clock.nextWake { clock.advance(by: max(wake - clock.uptime, 1)) }
            }
        }
    }

    @Test func `the first post waits for the first check, and none is made while the flow is disabled`() async throws {
        let house = try House()
        house.set { $0.isDisabled = true }
        let outcome = await house.attempt()
        #expect(outcome.short == "hold target -" && !outcome.note.receiverWasAsked)
        #expect(outcome.note.reason == "its flow 'F' is disabled: what is posted is lost")
        _ = await house.attempt()
        #expect(house.posts == 0 && house.checks == 1)
        let status = try #require(await house.ready.watch?.status().first)
        #expect(status.state == .closed("its flow 'F' is disabled: what is posted is lost"))
    }

    @Test func `it looks by itself, and goes on when the flow is enabled`() async throws {
        let house = try House()
        house.set { $0.isDisabled = true }
        await house.ready.watch?.start()
        await house.pass(untilChecks: 1)
        #expect(await house.attempt().short == "hold target -")
        house.set { $0.isDisabled = false }
        await house.pass(untilChecks: 2)
        while await house.ready.watch?.status().first?.state != .open { await Task.yield() }
        #expect(await house.attempt().isDelivered)
        house.set { $0.isDisabled = true }
        await house.pass(untilChecks: 3)
        while await house.ready.watch?.status().first?.state == .open { await Task.yield() }
        #expect(await house.attempt().short == "hold target -")
        #expect(house.posts == 1)
        await house.ready.watch?.stop()
    }

    @Test func `what an answer closed is looked at again as soon as what it found closed by itself`() async throws {
        let house = try House()
        await house.ready.watch?.start()
        await house.pass(untilChecks: 1)
        while await house.ready.watch?.status().first?.state != .open { await Task.yield() }
        house.set {
            $0.isDisabled = true
            $0.status = 422
        }
        house.clock.advance(by: 10_000)
        #expect(await house.attempt().short == "hold target -" && house.checks == 2)
        let closed = house.clock.uptime
        house.set { $0.isDisabled = false }
        // The loop hears of it; then the next look is that of a closed listener.
        while house.clock.nextWake.map({ $0 > closed + ListenerGate.closedInterval }) ?? true { await Task.yield() }
        await house.pass(untilChecks: 3)
        #expect(house.clock.uptime <= closed + ListenerGate.closedInterval)
        await house.ready.watch?.stop()
    }

    @Test(arguments: [404, 409, 422])
    func `an answer that may come of a disabled flow is looked into before it counts`(_ status: Int) async throws {
        let house = try House()
        #expect(await house.attempt().isDelivered)
        house.set {
            $0.isDisabled = true
            $0.status = status
        }
        house.clock.advance(by: 10_000)
        let outcome = await house.attempt()
        #expect(outcome.short == "hold target -" && outcome.note.status == status && house.checks == 2)
        #expect(outcome.note.reason.hasSuffix("; its flow 'F' is disabled: what is posted is lost"))
        // Where the flow is well, the answer is a judgement on the delivery.
        house.set { $0.isDisabled = false }
        house.clock.advance(by: 10_000)
        _ = await house.ready.watch?.doubt("orders")
        #expect(await house.attempt().short == [404: "hold target -", 409: "retry", 422: "park"][status])
    }

    @Test func `while the API does not answer, what was known last holds`() async throws {
        let house = try House()
        house.set { $0.apiStatus = 503 }
        #expect(await house.attempt().short == "hold target -", "nothing is known yet")
        house.set { $0.apiStatus = 200 }
        #expect(await house.attempt().isDelivered)
        house.set { $0.apiStatus = 503 }
        house.clock.advance(by: 600_000)
        #expect(await house.attempt().isDelivered)
    }

    @Test func `without a token, or without the export's ID, nobody is asked`() async throws {
        for house in [try House(token: false), try House(export: nil)] {
            #expect(house.ready.watch == nil)
            house.set { $0.isDisabled = true }
            #expect(await house.attempt().isDelivered)
            #expect(house.checks == 0)
        }
    }
}
