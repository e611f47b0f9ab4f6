import Curl
import Events
import FlowMate
import Rules
import Synchronization
import TestSupport
import Testing

@testable import Relay

@Suite struct FlowContractsTests {
    static let flow = "6762e154616e91cb8d8b1aaf"

    /// A FlowMate with one flow whose parameters a test edits.
    final class World: Sendable {
        private struct State {
            var inputs: String? = #"{"id":"string","quantity":"number"}"#
            var version = 1
            var isDown = false
            var status = "active"
            var users = ["ann"]
            var token = "token-1"
            /// What the relay's environment says.
            var held = "token-1"
        }

        private let state = Mutex(State())

        func edit(_ inputs: String?) {
            state.withLock {
                $0.inputs = inputs
                $0.version += 1
            }
        }

        func setDown(_ isDown: Bool) { state.withLock { $0.isDown = isDown } }

        /// All of them own the flow.
        func setUsers(_ names: [String]) { state.withLock { $0.users = names } }

        func setStatus(_ status: String) { state.withLock { $0.status = status } }

        /// FlowMate knows only this token from now on.
        func rotate(to token: String) { state.withLock { $0.token = token } }

        func hold(_ token: String) { state.withLock { $0.held = token } }

        var environment: [String: String] { ["T": state.withLock { $0.held }] }

        func answer(_ request: HTTPRequest) -> FakeHTTP.Answer {
            let state = state.withLock { $0 }
            guard !request.url.contains("/webhooks/") else {
                let id = request.headers.first { $0.name == "x-request-id" }?.value ?? ""
                return Self.json(200, #"{"data":{"requestId":"\#(id)"}}"#)
            }
            guard !state.isDown else { return Self.json(503, "") }
            let token = request.headers.first { $0.name.lowercased() == "authorization" }?.value
            guard token == nil || token == "Bearer \(state.token)" else {
                return Self.json(401, #"{"errors":[{"message":"Token invalid.","code":401}]}"#)
            }
            let payload = state.inputs.map { #","payload":{"inputParameters":\#($0)}"# } ?? ""
            let owners = state.users.map { #"{"id":"\#($0)","type":"user"}"# }.joined(separator: ",")
            let flow =
                #"{"id":"\#(FlowContractsTests.flow)","name":"orders","status":"\#(state.status)","updatedAt":"\#(state.version)","#
                + #""graph":{"nodes":[{"id":"1"}]},"owners":[\#(owners)]\#(payload)}"#
            if request.url.contains("/users") {
                let users = state.users.map { #"{"id":"\#($0)","username":"\#($0)","status":"ACTIVE"}"# }
                return Self.json(200, "[\(users.joined(separator: ","))]")
            }
            if request.url.contains("page") {
                return Self.json(200, #"{"data":[\#(flow)],"meta":{"total":1,"totalPages":1}}"#)
            }
            return Self.json(200, #"{"data":\#(flow),"meta":{}}"#)
        }

        private static func json(_ status: Int, _ body: String) -> FakeHTTP.Answer {
            .success(HTTPResponse(status: status, body: Array(body.utf8)))
        }
    }

    /// A relay's FlowMate side: rules, finder, sink.
    struct Bench {
        let world = World()
        let http: FakeHTTP
        let clock = TurnedClock()
        let journal: MemoryJournal
        let finder: FlowFinder
        let sink: any Sink
        let rules: CurrentRules

        init(conform: String = "strict", journal: MemoryJournal = MemoryJournal(), auth: Bool = true) throws {
            let world = world
            http = FakeHTTP { world.answer($0) }
            self.journal = journal
            rules = CurrentRules(try Self.ruleSet(conform, auth: auth))
            let environment = SinkEnvironment.test(http, clock: clock, secrets: SecretStore(baseDirectory: "") { world.environment })
            finder = FlowFinder(rules: rules, environment: environment, journal: journal)
            let factory = SinkFactory(
                environment: environment, journal: journal, outcomes: RecordedOutcomes(), contracts: finder)
            let definition = try #require(rules.current.destinations["d"])
            sink = try #require(factory.make(definition).ready).sink
        }

        static func ruleSet(_ conform: String, auth: Bool = true, host: String = "fm.example") throws -> RuleSet {
            let report = Lint.check([
                RuleSource(
                    path: "r.yaml",
                    bytes: Array(
                        """
                        sluice: 1
                        destinations:
                          d: {kind: flowmate, baseUrl: "https://\(host)"\(auth ? ", auth: {bearer: {env: T}}" : "")}
                        rules:
                          - id: r
                            match: {entity: Order__c, change: update}
                            to:
                              - destination: d
                                flow: \(FlowContractsTests.flow)
                                conform: \(conform)
                                data: {id: x}
                          - id: to-users
                            match: {entity: User__c, change: [update]}
                            to:
                              - destination: d
                                fanOut: {user: "${recordId}"}
                                data: {id: x}
                        """.utf8))
            ])
            return try #require(report.ruleSet, "\(report.text)")
        }

        func attempt(_ data: String) async -> AttemptOutcome {
            await sink.attempt(.make(to: .flow(id: FlowContractsTests.flow), body: #"{"data":\#(data)}"#), number: 1)
        }

        var sent: [String] {
            http.requests.filter { $0.url.contains("/webhooks/") }.map { String(decoding: $0.body, as: UTF8.self) }
        }
        var reads: Int { http.requests.count { $0.url.hasSuffix("/flows/\(FlowContractsTests.flow)") } }
    }

    @Test func `what fits is sent byte for byte, and the flow is read once`() async throws {
        let bench = try Bench()
        #expect(await bench.attempt(#"{"id":"1","quantity":2.50}"#).isDelivered)
        #expect(await bench.attempt(#"{"id":"2","quantity":3}"#).isDelivered)
        #expect(bench.sent == [#"{"data":{"id":"1","quantity":2.50}}"#, #"{"data":{"id":"2","quantity":3}}"#])
        #expect(bench.reads == 1)
    }

    @Test func `keys that the flow does not list are dropped, or passed`() async throws {
        let bench = try Bench()
        #expect(await bench.attempt(#"{"id":"1","more":[1],"quantity":3}"#).isDelivered)
        #expect(bench.sent == [#"{"data":{"id":"1","quantity":3}}"#])
        let passing = try Bench(conform: "{mode: strict, extraKeys: pass}")
        #expect(await passing.attempt(#"{"id":"1","more":[1],"quantity":3}"#).isDelivered)
        #expect(passing.sent == [#"{"data":{"id":"1","more":[1],"quantity":3}}"#])
    }

    @Test func `a violation waits with the parameter's name, and without its value`() async throws {
        let bench = try Bench()
        let outcome = await bench.attempt(#"{"id":"1","quantity":"secret"}"#)
        guard case .retry(let note, after: FlowFinder.violationWait) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(note.reason.hasPrefix("the flow wants 'quantity' as number, it is string"))
        #expect(!note.reason.contains("secret"))
        #expect(!note.receiverWasAsked && !outcome.isReceiverFailure)
        #expect(bench.sent.isEmpty)
    }

    @Test func `what waits goes on by itself once the flow is mended`() async throws {
        let bench = try Bench()
        #expect(await !bench.attempt(#"{"id":"1","quantity":"7"}"#).isDelivered)
        bench.world.edit(#"{"id":"string","quantity":"string"}"#)
        // Too soon to ask again: ten thousand records must not be ten thousand reads.
        #expect(await !bench.attempt(#"{"id":"1","quantity":"7"}"#).isDelivered)
        #expect(bench.reads == 1)
        bench.clock.advance(by: 60_000)
        #expect(await bench.attempt(#"{"id":"1","quantity":"7"}"#).isDelivered)
        #expect(bench.reads == 2)
    }

    @Test func `what waits goes on once the rule allows it`() async throws {
        let bench = try Bench()
        #expect(await !bench.attempt(#"{"id":"1"}"#).isDelivered)
        bench.rules.replace(by: try Bench.ruleSet("{mode: strict, optional: [quantity]}"))
        #expect(await bench.attempt(#"{"id":"1"}"#).isDelivered)
        bench.rules.replace(by: try Bench.ruleSet("warn"))
        #expect(await bench.attempt(#"{}"#).isDelivered)
    }

    @Test func `an old contract is used while it is read again`() async throws {
        let bench = try Bench()
        #expect(await bench.attempt(#"{"id":"1","quantity":3}"#).isDelivered)
        bench.clock.advance(by: FlowFinder.freshMilliseconds + 1)
        bench.world.setDown(true)
        #expect(await bench.attempt(#"{"id":"1","quantity":3}"#).isDelivered)
    }

    @Test(arguments: [nil, "{}"]) func `a flow without parameters is sent to, unchecked and unchanged`(
        _ inputs: String?
    ) async throws {
        let bench = try Bench()
        bench.world.edit(inputs)
        #expect(await bench.attempt(#"{"anything":1}"#).isDelivered)
        #expect(bench.sent == [#"{"data":{"anything":1}}"#])
    }

    @Test func `a flow that cannot be read yet is waited for, some minutes, and not read for each delivery`() async throws {
        let bench = try Bench()
        bench.world.setDown(true)
        for _ in 0..<5 {
            guard case .retry(let note, after: .milliseconds(FlowFinder.rereadMilliseconds)) =
                await bench.attempt(#"{"anything":1}"#)
            else {
                Issue.record("it was sent unchecked")
                return
            }
            #expect(note.reason.contains("could not be read yet") && !note.receiverWasAsked)
        }
        #expect(bench.reads == 1 && bench.sent.isEmpty)
        // It is back, and the delivery does not fit.
        bench.clock.advance(by: FlowFinder.rereadMilliseconds)
        bench.world.setDown(false)
        #expect(await !bench.attempt(#"{"anything":1}"#).isDelivered)
        #expect(bench.reads == 2 && bench.sent.isEmpty)
    }

    @Test func `a flow that cannot be read for long, or never will, is sent to`() async throws {
        let bench = try Bench()
        bench.world.setDown(true)
        #expect(await !bench.attempt(#"{"anything":1}"#).isDelivered)
        bench.clock.advance(by: FlowFinder.unreadMilliseconds - 1)
        #expect(await !bench.attempt(#"{"anything":1}"#).isDelivered)
        bench.clock.advance(by: FlowFinder.rereadMilliseconds)
        #expect(await bench.attempt(#"{"anything":1}"#).isDelivered)
        // Much later it is another outage, which is waited for anew.
        bench.clock.advance(by: 10 * FlowFinder.unreadMilliseconds)
        #expect(await !bench.attempt(#"{"anything":1}"#).isDelivered)
        let bare = try Bench(auth: false)
        #expect(await bare.attempt(#"{"anything":1}"#).isDelivered)
        #expect(bare.reads == 0)
    }

    @Test func `without conform nothing is read`() async throws {
        let bench = try Bench(conform: "off")
        #expect(await bench.attempt(#"{"anything":1}"#).isDelivered)
        #expect(bench.reads == 0)
    }

    @Test func `a restart knows users, flows and contracts before anything is read`() async throws {
        let journal = MemoryJournal()
        let first = try Bench(journal: journal)
        _ = try await first.finder.flows(of: FlowOwner(destination: "d", user: "ann"), received: 0)
        while await journal.states["directory"] == nil { await Task.yield() }
        let second = try Bench(journal: journal)
        second.world.setDown(true)
        #expect(await !second.attempt(#"{"id":"1","quantity":"x"}"#).isDelivered)
        let flows = try await second.finder.flows(of: FlowOwner(destination: "d", user: "ANN"), received: 0)
        #expect(flows.map(\.id) == [Self.flow])
    }

    @Test func `flows that were read by themselves are no answer about users`() async throws {
        let bench = try Bench()
        #expect(await bench.attempt(#"{"id":"1","quantity":3}"#).isDelivered)
        bench.world.setDown(true)
        await #expect(throws: FactFailure.self) {
            _ = try await bench.finder.flows(of: FlowOwner(destination: "d", user: "ann"), received: 0)
        }
    }

    @Test func `a token that was corrected is taken up without a restart`() async throws {
        let bench = try Bench()
        bench.world.rotate(to: "token-2")
        let ann = FlowOwner(destination: "d", user: "ann")
        await #expect(throws: FactFailure.self) { _ = try await bench.finder.flows(of: ann, received: 0) }
        #expect(await bench.attempt(#"{"id":"1","quantity":"no number"}"#).isDelivered, "what it takes is not known")
        bench.world.hold("token-2")
        bench.clock.advance(by: FlowFinder.credentialMilliseconds)
        #expect(try await bench.finder.flows(of: ann, received: 0).map(\.id) == [Self.flow])
        #expect(await !bench.attempt(#"{"id":"1","quantity":"no number"}"#).isDelivered)
    }

    @Test func `tokens are kept from expiring while nothing is read with them`() async throws {
        let bench = try Bench()
        func refreshes() -> Int { bench.http.requests.count { $0.url.hasSuffix("/tokens/refresh") } }
        for _ in 0..<3 { await bench.finder.keepTokensAlive() }
        #expect(refreshes() == 1)
        bench.clock.advance(by: FlowFinder.keepAliveMilliseconds)
        await bench.finder.keepTokensAlive()
        #expect(refreshes() == 2)
    }

    @Test func `a flow that is starting is one of the user's, one that was stopped is not`() async throws {
        for (status, isActive) in [("starting", true), ("active", true), ("stopping", false), ("inactive", false)] {
            let bench = try Bench()
            bench.world.setStatus(status)
            let flows = try await bench.finder.flows(of: FlowOwner(destination: "d", user: "ann"), received: 0)
            #expect(flows.map(\.isActive) == [isActive], "\(status)")
        }
    }

    @Test func `a user that is not known is believed unknown only after a scan since the event`() async throws {
        let bench = try Bench()
        let ann = FlowOwner(destination: "d", user: "ann")
        let new = FlowOwner(destination: "d", user: "new")
        #expect(try await bench.finder.flows(of: ann, received: bench.clock.wall).map(\.id) == [Self.flow])
        // The list is down when the event comes; without a scan under way nothing is known, however often it is asked.
        bench.clock.advance(by: 20_000)
        bench.world.setDown(true)
        let received = bench.clock.wall
        for _ in 0..<20 {
            await #expect(throws: FactFailure.self) { _ = try await bench.finder.flows(of: new, received: received) }
            #expect(try await !bench.finder.flows(of: ann, received: received).isEmpty, "the others go on")
            bench.clock.advance(by: 1_000)
        }
        bench.world.setDown(false)
        bench.world.setUsers(["ann", "new"])
        bench.clock.advance(by: 20_000)
        #expect(try await bench.finder.flows(of: new, received: received).map(\.id) == [Self.flow])
    }

    @Test func `a user that was made since the last scan is found by the next one, which is not made at once`() async throws {
        let bench = try Bench()
        let (ann, new) = (FlowOwner(destination: "d", user: "ann"), FlowOwner(destination: "d", user: "new"))
        _ = try await bench.finder.flows(of: ann, received: bench.clock.wall)
        bench.world.setUsers(["ann", "new"])
        bench.clock.advance(by: 2_000)
        let received = bench.clock.wall
        await #expect(throws: FactFailure.self) { _ = try await bench.finder.flows(of: new, received: received) }
        bench.clock.advance(by: 9_000)
        #expect(try await bench.finder.flows(of: new, received: received).map(\.id) == [Self.flow])
    }

    @Test func `whom FlowMate does not have holds events up once, and not for each of them`() async throws {
        let bench = try Bench()
        let stranger = FlowOwner(destination: "d", user: "queue")
        #expect(try await bench.finder.flows(of: stranger, received: bench.clock.wall).isEmpty, "the first scan is newer")
        for _ in 0..<5 {
            bench.clock.advance(by: 1_000)
            #expect(try await bench.finder.flows(of: stranger, received: bench.clock.wall).isEmpty)
        }
        // One that came before the last scan is answered by it.
        let other = FlowOwner(destination: "d", user: "other")
        let received = bench.clock.wall
        bench.clock.advance(by: 10_000)
        #expect(try await bench.finder.flows(of: other, received: received).isEmpty)
        let second = FlowOwner(destination: "d", user: "second")
        #expect(try await bench.finder.flows(of: second, received: received).isEmpty)
        // While nothing can be read, what was known of it stands for a while only.
        bench.world.setDown(true)
        bench.clock.advance(by: 300_000)
        #expect(try await bench.finder.flows(of: stranger, received: bench.clock.wall).isEmpty)
        bench.clock.advance(by: 600_000)
        let late = bench.clock.wall
        await #expect(throws: FactFailure.self) { _ = try await bench.finder.flows(of: stranger, received: late) }
    }

    @Test func `what was read of another FlowMate is not taken for this one's`() async throws {
        let (old, new) = (World(), World())
        new.setUsers(["bob"])
        let flowMates = FakeHTTP { ($0.url.contains("other.example") ? new : old).answer($0) }
        let http = HeldHTTP(flowMates) { $0.contains("fm.example") }
        let rules = CurrentRules(try Bench.ruleSet("strict"))
        let clock = TurnedClock()
        let finder = FlowFinder(
            rules: rules, environment: .test(http, clock: clock, secrets: SecretStore(environment: ["T": "token-1"])))
        let (ann, bob) = (FlowOwner(destination: "d", user: "ann"), FlowOwner(destination: "d", user: "bob"))
        let first = Task { try await finder.flows(of: ann, received: clock.wall) }
        while !http.isHolding { await Task.yield() }
        rules.replace(by: try Bench.ruleSet("strict", host: "other.example"))
        #expect(try await finder.flows(of: bob, received: clock.wall).count == 1)
        http.letGo()
        #expect(try await first.value.isEmpty)
        #expect(try await finder.flows(of: ann, received: clock.wall).isEmpty)
        #expect(try await finder.flows(of: bob, received: clock.wall).count == 1)
    }

    @Test func `users' flows are listed again by the clock`() async throws {
        let bench = try Bench()
        _ = try await bench.finder.flows(of: FlowOwner(destination: "d", user: "ann"), received: 0)
        func scans() -> Int { bench.http.requests.count { $0.url.contains("/users") } }
        #expect(scans() == 1)
        while bench.clock.nextWake == nil { await Task.yield() }
        bench.clock.advance(by: 300_000)
        while scans() < 2 { await Task.yield() }
    }
}
