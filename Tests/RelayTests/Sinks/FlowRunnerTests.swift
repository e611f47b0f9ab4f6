import Curl
import Events
import IntegratorIO
import Rules
import Synchronization
import Testing

@testable import Relay

@Suite struct FlowRunnerTests {
    /// A small integrator.io: one job at a time per flow, which ends after 20 s.
    final class Server: Sendable {
        struct Job {
            var id: String
            var flow: String
            var created: Int64
        }

        struct State {
            var jobs: [Job] = []
            var token = "Bearer token-1"
            var answersLost = 0
            var rateLimited = 0
            var overlaps = 0
            var isDisabled = false
        }

        let clock: TurnedClock
        let state = Mutex(State())

        init(_ clock: TurnedClock) { self.clock = clock }

        func answer(_ request: HTTPRequest) -> FakeHTTP.Answer {
            let now = clock.wall
            return state.withLock { state in
                guard request.headers.contains(HTTPRequest.Header("Authorization", state.token)) else {
                    return Self.answer(401, #"{"errors":[{"code":"unauthorized"}]}"#)
                }
                let path = String(request.url.dropFirst("https://io/v1".count))
                let parts = path.split(separator: "/").map(String.init)
                if path.hasSuffix("/run") { return Self.run(&state, parts[1], now) }
                if path.hasSuffix("/jobs/latest") {
                    let last = state.jobs.last { $0.flow == parts[1] }
                    return last.map { Self.answer(200, "[\(Self.json($0, now))]") } ?? Self.answer(204)
                }
                if path.hasPrefix("/jobs?") {
                    return Self.answer(
                        200, "[\(state.jobs.reversed().map { Self.json($0, now) }.joined(separator: ","))]")
                }
                if parts[0] == "jobs" {
                    return state.jobs.first { $0.id == parts[1] }.map { Self.answer(200, Self.json($0, now)) }
                        ?? Self.answer(404)
                }
                return Self.answer(200, #"{"_id":"\#(parts[1])","disabled":\#(state.isDisabled)}"#)
            }
        }

        private static func run(_ state: inout State, _ flow: String, _ now: Int64) -> FakeHTTP.Answer {
            if state.rateLimited > 0 {
                state.rateLimited -= 1
                return .success(HTTPResponse(status: 429, headers: [HTTPRequest.Header("Retry-After", "60")]))
            }
            if state.jobs.contains(where: { $0.flow == flow && $0.created + 20_000 > now }) { state.overlaps += 1 }
            state.jobs.append(Job(id: "j\(state.jobs.count)", flow: flow, created: now))
            guard state.answersLost == 0 else {
                state.answersLost -= 1
                return .failure(
                    TransportError(kind: .timeout, target: "https://io:443", reason: "x", mayHaveBeenSent: true))
            }
            return answer(201, #"{"_jobId":"\#(state.jobs.last!.id)"}"#)
        }

        private static func json(_ job: Job, _ now: Int64) -> String {
            let status = job.created + 20_000 > now ? "running" : "completed"
            return #"{"_id":"\#(job.id)","status":"\#(status)","createdAt":"\#(ISOTime.text(job.created))"}"#
        }

        private static func answer(_ status: Int, _ body: String = "") -> FakeHTTP.Answer {
            .success(HTTPResponse(status: status, body: Array(body.utf8)))
        }
    }

    struct House {
        let clock = TurnedClock()
        let server: Server
        let http: FakeHTTP
        let journal: MemoryJournal
        let outcomes = RecordedOutcomes()

        init(journal: MemoryJournal = MemoryJournal()) {
            let server = Server(clock)
            self.server = server
            self.journal = journal
            http = FakeHTTP { server.answer($0) }
        }

        func runner(token: SecretReference = .env("T")) throws -> FlowRunner {
            var destination = Destination(name: "io", kind: .integrator, url: "https://io")
            destination.auth = .bearer(token)
            let factory = SinkFactory(
                environment: .test(http, clock: clock, environment: ["T": "token-1"]), journal: journal,
                outcomes: outcomes)
            return try #require(factory.make(destination).ready?.runner)
        }

        func claim(_ id: String, flow: String = "f", onError: RetryLimits.OnError = .deadletter) -> Delivery {
            var delivery = Delivery.make(
                id,
                to: .run(
                    FlowRunRequest(
                        flow: flow, exports: [], from: clock.wall, until: clock.wall, quietMilliseconds: 10_000,
                        maximumMilliseconds: 60_000, limit: 1000)),
                body: "")
            delivery.retry.onError = onError
            return delivery
        }

        /// Lets time pass as far as anybody waits for it, until so many claims are reported.
        func live(until count: Int) async {
            var looks = 0
            for _ in 0..<200_000 {
                await Task.yield()
                if await outcomes.done.count + outcomes.buried.count >= count { return }
                guard let wake = clock.nextWake else { continue }
                // A long leap is for when nothing is under way, which a busy machine takes a while to show.
                if wake - clock.uptime > 60_000, looks < 25 {
                    looks += 1
                    try? await Task.sleep(for: .microseconds(200))
                    continue
                }
                looks = 0
                clock.advance(by: max(wake - clock.uptime, 1))
            }
            Issue.record("the claims are never done")
        }

        var posts: Int { http.requests.filter { $0.method == "POST" }.count }
    }

    @Test func `claims become one run and are reported when it has completed`() async throws {
        let house = House()
        let runner = try house.runner()
        for index in 0..<10 { await runner.add(house.claim("c\(index)")) }
        await house.live(until: 10)
        #expect(house.posts == 1)
        #expect(await house.outcomes.done.sorted() == (0..<10).map { "c\($0)" })
        let post = try #require(house.http.requests.first { $0.method == "POST" })
        #expect(post.url == "https://io/v1/flows/f/run")
        #expect(String(decoding: post.body, as: UTF8.self).hasPrefix(#"{"export":{"startDate":"20"#))
        await runner.stop()
    }

    @Test func `flows run beside each other`() async throws {
        let house = House()
        let runner = try house.runner()
        for flow in ["f", "g", "h"] { await runner.add(house.claim("c-\(flow)", flow: flow)) }
        await house.live(until: 3)
        #expect(house.posts == 3)
        #expect(await runner.status().map(\.flow) == ["f", "g", "h"])
        await runner.stop()
    }

    @Test func `the window is on disk before it is posted`() async throws {
        let house = House(journal: MemoryJournal(refusals: 4))
        let runner = try house.runner()
        await runner.add(house.claim("a"))
        await house.live(until: 1)
        #expect(house.posts == 1)
        let state = try FlowRunState(json: try #require(await house.journal.states["f"]))
        #expect(state.run == nil)
        #expect(state.finished == ["a"])
        await runner.stop()
    }

    @Test func `after a lost answer the flow runs once more, and never twice at a time`() async throws {
        let house = House()
        house.server.state.withLock { $0.answersLost = 1 }
        let runner = try house.runner()
        await runner.add(house.claim("a"))
        await house.live(until: 1)
        #expect(house.posts == 2)
        #expect(house.server.state.withLock { $0.overlaps } == 0)
        await runner.stop()
    }

    @Test func `a rate limit slows all flows of the account`() async throws {
        let house = House()
        house.server.state.withLock { $0.rateLimited = 1 }
        let runner = try house.runner()
        let start = house.clock.uptime
        for flow in ["f", "g", "h"] { await runner.add(house.claim("c-\(flow)", flow: flow)) }
        await house.live(until: 3)
        #expect(house.clock.uptime - start >= 70_000)
        #expect(house.posts <= 6)
        await runner.stop()
    }

    @Test func `another runner takes up an open run where the last one left it`() async throws {
        let house = House()
        let first = try house.runner()
        await first.add(house.claim("a"))
        while await house.journal.states["f"].flatMap({ try? FlowRunState(json: $0) })?.run?.jobs.first != "j0" {
            await Task.yield()
            if let wake = house.clock.nextWake { house.clock.advance(by: max(wake - house.clock.uptime, 1)) }
        }
        await first.stop()
        let second = try house.runner()
        await second.start()
        await second.add(house.claim("a"))
        await house.live(until: 1)
        #expect(house.posts == 1)
        #expect(await house.outcomes.done.contains("a"))
        await second.stop()
    }

    @Test func `a saved state that cannot be read is no reason to stop`() async throws {
        let house = House(journal: MemoryJournal(states: ["f": Array("{".utf8)]))
        let runner = try house.runner()
        await runner.add(house.claim("a"))
        await house.live(until: 1)
        #expect(house.posts == 1)
        await runner.stop()
    }

    @Test func `a clock set back an hour delays nothing`() async throws {
        let house = House()
        let runner = try house.runner()
        await runner.add(house.claim("a"))
        let start = house.clock.uptime
        house.clock.setWall(by: -3_600_000)
        await house.live(until: 1)
        #expect(house.clock.uptime - start < 60_000)
        await runner.stop()
    }

    enum Call: CaseIterable { case operatorAsks, settingsChange, restart }

    @Test(arguments: Call.allCases)
    func `a paused flow that was mended is run at once`(_ call: Call) async throws {
        let house = House()
        house.server.state.withLock { $0.isDisabled = true }
        var runner = try house.runner()
        await runner.add(house.claim("a"))
        while await runner.status().first?.pausedFor == nil {
            await Task.yield()
            guard let wake = house.clock.nextWake, wake < house.clock.uptime + 60_000 else { continue }
            house.clock.advance(by: max(wake - house.clock.uptime, 1))
        }
        house.server.state.withLock { $0.isDisabled = false }
        let mended = house.clock.uptime
        switch call {
        case .operatorAsks:
            let reasons = await runner.tryNow()
            #expect(reasons.count == 1 && reasons[0].contains("is disabled"))
        case .settingsChange: await runner.adopt(try house.runner())
        case .restart:
            await runner.stop()
            runner = try house.runner()
            await runner.add(house.claim("a"))
        }
        await house.live(until: 1)
        #expect(house.clock.uptime - mended < 60_000)
        #expect(house.posts == 1)
        await runner.stop()
    }

    @Test func `a token that stays refused keeps the claims and then gives them up`() async throws {
        let house = House()
        house.server.state.withLock { $0.token = "Bearer other" }
        let runner = try house.runner()
        await runner.add(house.claim("a"))
        await house.live(until: 1)
        #expect(house.posts == 0)
        #expect(await house.outcomes.buried["a"]?.reason.contains("401") == true)
        #expect(house.http.requests.count < 200)
        await runner.stop()
    }
}
