import Events
import FoundationEssentials
import PubSub
import Rules
import Salesforce
import Store
import Testing

@testable import Relay

@Suite(.timeLimit(.minutes(15))) struct ReplayTests {
    @Test func `from a replay ID on, every later event is delivered again under an ID that says so`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<40)
        let before = try await bench.bench.storedCursor()
        let live = Set(bench.sink.delivered)
        let view = try await bench.replay(ReplayRequest(.replayID(Make.replayID(12).description)))
        #expect(view.state == .done && view.events == 27 && view.deliveries == 27 && view.fraction == 1)
        #expect(bench.replayed(by: view.id).sorted() == Array(13..<40))
        let again = bench.sink.bodies.filter { $0.replay == view.id }
        #expect(again.allSatisfy { live.contains(ReplayedDelivery.liveID($0.id)) && !live.contains($0.id) })
        #expect(try await bench.bench.storedCursor() == before, "the live cursor is not touched")
        #expect(try await bench.store.cursors().count == 1)
    }

    @Test func `what was received a moment ago, and is not written yet, is replayed as well`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<10)
        try await bench.live(10..<14, settles: false)
        let view = try await bench.replay(ReplayRequest(.replayID(Make.replayID(5).description)))
        #expect(bench.replayed(by: view.id).sorted() == Array(6..<14))
    }

    /// Salesforce began anew with what had come already: that stands in the response as it came, and was not relayed again.
    @Test func `from a replay ID that was repeated later, nothing that came in between is missed`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<5)
        let events = try (2..<6).map { try ReplayEvents.event($0) }
        _ = try await bench.ingest.ingest.accept(
            ReceivedBatch(
                topic: Make.key.topic, events: [events[3]],
                bytes: FetchResponse(events: events, pendingNumRequested: 50).encode(), replayID: events[3].replayID,
                receivedAt: ReplayEvents.time(6)))
        try await bench.settled()
        var request = ReplayRequest(.replayID(Make.replayID(2).description))
        request.source = .journal
        let view = try await bench.replay(request)
        #expect(bench.replayed(by: view.id) == [3, 4, 5])
    }

    @Test func `by time, it begins with the right event on every topic`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<30)
        try await bench.live(100..<130, topic: "/data/Sample__ChangeEvent", size: 11)
        var request = ReplayRequest(.time(ReplayEvents.time(17)))
        request.source = .journal
        let view = try await bench.replay(request)
        #expect(bench.replayed(by: view.id).sorted() == Array(17..<30) + Array(100..<130))
        request = ReplayRequest(.time(ReplayEvents.time(104) - 1))
        request.source = .journal
        request.until = ReplayEvents.time(111)
        request.topics = ["Sample__ChangeEvent"]
        let preview: ReplayPreview = try await bench.ask("replay.plan", request)
        // Responses are counted whole: two of eleven, without what comes before the time.
        #expect((7...22).contains(try #require(preview.expectedEvents)))
        var few = request
        few.limit = 5
        #expect(try await bench.ask("replay.plan", few, as: ReplayPreview.self).expectedEvents == 5)
        let other = try await bench.replay(request)
        #expect(bench.replayed(by: other.id).sorted() == Array(104..<111))
    }

    @Test func `killed half-way it goes on by itself, and no event is missed`() async throws {
        let scratch = Scratch()
        let first = try await ReplayBench(scratch: scratch)
        try await first.live(0..<2_000, size: 90)
        var request = ReplayRequest(.replayID(Make.replayID(499).description))
        // It goes on only as this test lets time pass.
        request.rate = 1_000
        let started: ReplayView = try await first.ask("replay.start", request)
        try await first.bench.run("half of it is committed") {
            let positions = try? await first.store.replayPositions(started.id)
            return (positions?.first?.progress.events ?? 0) > 600
        }
        await first.service.stop()
        try await first.bench.crash()
        let got = first.replayed(by: started.id)
        #expect(got.count < 1_500, "it was not killed half-way")

        let second = try await ReplayBench(scratch: scratch)
        try await second.service.takeUp()
        try await second.ended(started.id)
        let all = got + second.replayed(by: started.id)
        #expect(Set(all) == Set(500..<2_000))
        #expect(all.count < 1_500 + 2_000, "only what was not committed comes twice")
        let view: ReplayView = try await second.ask("replay.show", NamedReplay(id: started.id))
        #expect(view.state == .done && view.events == 1_500)
    }

    @Test func `killed inside a response that begins with old events, it goes on behind what was taken`() async throws {
        let scratch = Scratch()
        let first = try await ReplayBench(scratch: scratch)
        try await first.live(0..<10)
        let events = try (0..<200).map { try ReplayEvents.event($0) }
        _ = try await first.ingest.ingest.accept(
            ReceivedBatch(
                topic: Make.key.topic, events: Array(events[10...]),
                bytes: FetchResponse(events: events, pendingNumRequested: 50).encode(), replayID: events[199].replayID,
                receivedAt: ReplayEvents.time(200)))
        try await first.settled()
        var request = ReplayRequest(.replayID(Make.replayID(4).description))
        request.source = .journal
        request.rate = 1_000
        let started: ReplayView = try await first.ask("replay.start", request)
        try await first.bench.run("some of it is committed") {
            let positions = try? await first.store.replayPositions(started.id)
            return (positions?.first?.progress.events ?? 0) > 20
        }
        await first.service.stop()
        try await first.bench.crash()
        #expect(first.replayed(by: started.id).count < 195, "it was not killed half-way")

        let second = try await ReplayBench(scratch: scratch)
        try await second.service.takeUp()
        try await second.ended(started.id)
        let all = first.replayed(by: started.id) + second.replayed(by: started.id)
        #expect(Set(all) == Set(5..<200))
        let view: ReplayView = try await second.ask("replay.show", NamedReplay(id: started.id))
        #expect(view.state == .done && view.events == 195)
    }

    @Test func `only the rules and destinations that were asked for, and no more events than the limit`() async throws {
        let rules = """
            sluice: 1
            destinations:
              hook: {kind: webhook, url: "https://hooks.example.com/x"}
              other: {kind: webhook, url: "https://hooks.example.com/y"}
            rules:
              - id: first
                match: {entity: Sample__c, change: [update]}
                onGap: skip
                to: {destination: hook, body: {id: "${recordId}"}}
              - id: second
                match: {entity: Sample__c, change: [update]}
                onGap: skip
                to: {destination: other, body: {id: "${recordId}"}}

            """
        let bench = try await ReplayBench(rules: rules)
        try await bench.live(0..<30)
        var request = ReplayRequest(.replayID(Make.replayID(0).description))
        request.rules = ["first"]
        request.limit = 10
        let result: ReplayDryRun = try await bench.ask("replay.dryRun", request)
        #expect(result.events == 10 && result.deliveries.map(\.deliveries) == [10])
        #expect(bench.replayed(by: "rp00000000").isEmpty, "a dry run sends nothing")
        let view = try await bench.replay(request)
        #expect(view.events == 10 && bench.replayed(by: view.id).sorted() == Array(1..<11))
        request.rules = []
        request.limit = nil
        let both: ReplayDryRun = try await bench.ask("replay.dryRun", request)
        #expect(both.deliveries.map(\.deliveries) == [29, 29])
    }

    @Test func `a dry run of several topics tells the span of them all`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<5, topic: "/data/Middle__ChangeEvent", settles: false)
        try await bench.live(10..<20, topic: "/data/AChangeEvent")
        try await bench.live(3..<8, topic: "/data/ZChangeEvent")
        var request = ReplayRequest(.earliest)
        request.source = .journal
        let result: ReplayDryRun = try await bench.ask("replay.dryRun", request)
        #expect(result.events == 20)
        #expect(result.firstTime?.milliseconds == ReplayEvents.time(0))
        #expect(result.lastTime?.milliseconds == ReplayEvents.time(19))
    }

    @Test func `paused it stands still, resumed it ends, cancelled it never goes on`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<300, size: 50)
        bench.sink.close()
        let started: ReplayView = try await bench.ask(
            "replay.start", ReplayRequest(.replayID(Make.replayID(9).description)))
        let pausing = Task { try await bench.ask("replay.pause", NamedReplay(id: started.id), as: ReplayView.self) }
        try await bench.bench.run("it is paused") {
            (try? await bench.store.replay(started.id))??.state == .paused
        }
        bench.sink.open()
        let paused = try await pausing.value
        #expect(paused.state == .paused)
        try await bench.settled()
        let resumed: ReplayView = try await bench.ask("replay.resume", NamedReplay(id: started.id))
        #expect(resumed.state == .running || resumed.state == .done)
        try await bench.ended(started.id)
        #expect(Set(bench.replayed(by: started.id)) == Set(10..<300))
        await #expect(throws: ControlError.self) {
            try await bench.ask("replay.cancel", NamedReplay(id: started.id), as: ReplayView.self)
        }
    }

    /// After a restart it goes on before the org has signed in.
    @Test func `it waits for the sign-in when a rule asks for more than the event tells`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<5)
        let text = """
            sluice: 1
            destinations:
              hook: {kind: webhook, url: "https://hooks.example.com/x"}
            rules:
              - id: asking
                match: {entity: Sample__c, change: [create, update]}
                needs: {fields: [Asked__c], missing: fetch}
                to: {destination: hook, body: {n: "${record.Asked__c}"}}

            """
        let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(text.utf8))])
        let orgs = ReplayOrgs(store: bench.store, expected: [Make.key.org])
        let service = ReplayService(
            ReplayParts(
                store: bench.store, outbox: bench.bench.outbox, rules: CurrentRules(try #require(report.ruleSet)),
                orgs: orgs, time: bench.time.source, log: .quiet))
        let planner = ReplayPlanner(
            store: bench.store, knownRules: [], knownDestinations: [], now: ReplayBench.now)
        var request = ReplayRequest(.earliest)
        request.source = .journal
        let plan = try JSONEncoder().encode(try await planner.plan(request))
        let record = ReplayRecord(
            id: "rp00c0ffee", plan: [UInt8](plan), state: .running, detail: "", createdAt: 0, updatedAt: 0)
        try await service.begin(record)
        try await bench.bench.run("it waits") { await service.tracker(record.id)?.waits.contains("not signed in") == true }
        orgs.register(
            ReplayOrgs.Entry(org: IngestBench.org, schemas: bench.ingest.cache) { event, _, rules in
                var facts = RoutingFacts()
                facts.record = .read(Fields([.init(name: "Asked__c", value: .string("found"))]))
                return rules.route(event, now: ReplayBench.now, facts: facts)
            })
        try await bench.ended(record.id)
        #expect(bench.replayed(by: record.id).sorted() == Array(0..<5))
    }

    @Test func `a saved cursor is a place to replay from`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<25)
        let saved: CursorSaved = try await bench.ask("cursor.save", CursorSaveRequest(name: "before-release"))
        #expect(saved.count == 1)
        try await bench.live(25..<60)
        let view = try await bench.replay(ReplayRequest(.cursor("before-release")))
        #expect(bench.replayed(by: view.id).sorted() == Array(25..<60))
    }

    /// As after a keepalive: no event stands at the place, and none before it in the journal.
    @Test func `so is one that was saved before anything had come`() async throws {
        let bench = try await ReplayBench()
        var group = CommitGroup()
        group.cursors[Make.key] = Make.cursor(7)
        try await bench.store.commit(group, wall: ReplayBench.now)
        _ = try await bench.ask("cursor.save", CursorSaveRequest(name: "quiet"), as: CursorSaved.self)
        try await bench.live(10..<20)
        let view = try await bench.replay(ReplayRequest(.cursor("quiet")))
        #expect(bench.replayed(by: view.id).sorted() == Array(10..<20))
    }

    @Test func `what cannot be done is said before anything is sent`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<5)
        func refusal(_ change: (inout ReplayRequest) -> Void) async -> String {
            var request = ReplayRequest(.replayID(Make.replayID(1).description))
            change(&request)
            let asked = request
            let error = await #expect(throws: ControlError.self) {
                try await bench.ask("replay.start", asked, as: ReplayView.self)
            }
            return error?.message ?? ""
        }
        #expect(await refusal { $0.rules = ["nobody"] }.contains("no rule has the id 'nobody'"))
        #expect(await refusal { $0.topics = ["Nothing"] }.contains("topic 'Nothing'"))
        #expect(await refusal { $0.start = .cursor("none") }.contains("no cursor was saved as 'none'"))
        #expect(await refusal { $0.isAsRendered = true; $0.start = .time(0) }.contains("Sluice forgets"))
        #expect(await refusal { $0.start = .replayID("????") }.contains("is not a replay ID"))
        #expect(try await bench.store.replays().isEmpty)
    }

    @Test func `without a relay it is stored, and starts with the next one`() async throws {
        let scratch = Scratch()
        let first = try await ReplayBench(scratch: scratch, daemon: false)
        try await first.live(0..<20)
        let view: ReplayView = try await first.ask(
            "replay.start", ReplayRequest(.replayID(Make.replayID(9).description)))
        #expect(view.state == .running && view.detail.contains("next `sluice run`"))
        try await first.bench.crash()
        let second = try await ReplayBench(scratch: scratch)
        try await second.service.takeUp()
        try await second.ended(view.id)
        #expect(second.replayed(by: view.id).sorted() == Array(10..<20))
    }

    @Test func `what was sent is sent again as it was, where the configuration keeps it`() async throws {
        let scratch = Scratch()
        var limits = StoreLimits()
        limits.sentBytes = 1 << 20
        let store = try Store(path: scratch.store, limits: limits, wall: 0)
        let recorder = SentRecorder(store: store, time: ReplayBench.clock, log: .quiet)
        for number in 0..<10 {
            recorder.attempted(Make.delivery(number), number: 1, outcome: .delivered(.ok), milliseconds: 1, at: ReplayBench.clock.now)
            recorder.attempted(Make.delivery(number + 50), number: 1, outcome: .retry(.busy, after: nil), milliseconds: 1, at: ReplayBench.clock.now)
            // Another org has a topic of that name.
            var other = Make.delivery(number + 70)
            other.origin.orgID = "00D000000000002EAA"
            recorder.attempted(other, number: 1, outcome: .delivered(.ok), milliseconds: 1, at: ReplayBench.clock.now)
        }
        await recorder.write()
        #expect(try await store.sentSpan()?.count == 20)
        let kept = try await store.sent(of: Make.key.topic, org: Make.org, after: 0, limit: 100).map(\.sent.delivery)
        #expect(kept == (0..<10).map { Make.delivery($0) })
        try store.close()
        let bench = try await ReplayBench(scratch: scratch)
        var group = CommitGroup()
        group.cursors[Make.key] = Make.cursor(99)
        try await bench.store.commit(group, wall: 0)
        var request = ReplayRequest(.time(1_600_000_000_000))
        request.isAsRendered = true
        let view = try await bench.replay(request)
        #expect(view.deliveries == 10)
        #expect(bench.sink.delivered.map(ReplayedDelivery.liveID) == (0..<10).map { "sl_\($0)" })
        #expect(bench.sink.delivered.allSatisfy { ReplayedDelivery.replay(ofDelivery: $0) == view.id })
    }

    @Test func `sending again does not send again what was sent again`() async throws {
        let scratch = Scratch()
        var limits = StoreLimits()
        limits.sentBytes = 1 << 20
        let store = try Store(path: scratch.store, limits: limits, wall: 0)
        let recorder = SentRecorder(store: store, time: ReplayBench.clock, log: .quiet)
        func sent(_ delivery: Delivery) {
            recorder.attempted(delivery, number: 1, outcome: .delivered(.ok), milliseconds: 1, at: ReplayBench.clock.now)
        }
        for number in 0..<4 { sent(Make.delivery(number)) }
        for replay in ["rp00000001", "rp00000002"] {
            for number in 0..<6 {
                var again = Make.delivery(number)
                again.id = ReplayedDelivery.id(again.id, of: replay)
                sent(again)
            }
        }
        await recorder.write()
        let found = try await store.sent(of: Make.key.topic, org: Make.org, after: 0, limit: 100).map(\.sent.delivery.id)
        #expect(found == (0..<4).map { "sl_\($0)" } + ["sl_4_rp00000001", "sl_5_rp00000001"])
        try store.close()

        let bench = try await ReplayBench(scratch: scratch)
        var group = CommitGroup()
        group.cursors[Make.key] = Make.cursor(99)
        try await bench.store.commit(group, wall: 0)
        var request = ReplayRequest(.time(1_600_000_000_000))
        request.isAsRendered = true
        let rehearsal: ReplayDryRun = try await bench.ask("replay.dryRun", request)
        #expect(rehearsal.events == 6 && rehearsal.deliveries.map(\.deliveries).reduce(0, +) == 6)
        #expect(bench.sink.delivered.isEmpty)
        #expect(try await bench.replay(request).deliveries == 6)
    }
}

extension ReplayBench {
    static var clock: TimeSource { ManualTimeOfReplay.source }
}

private enum ManualTimeOfReplay {
    static let source = TimeSource(
        wall: { ReplayBench.now }, monotonic: { .zero }, sleep: { _ in throw CancellationError() })
}
