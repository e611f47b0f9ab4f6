import Events
import Store
import Synchronization
import Testing
import TestSupport

@testable import Relay

@Suite(.timeLimit(.minutes(15))) struct BackfillTests {
    private let time = ManualTime(
        start: 1_760_000_000_123, autoAdvance: true, but: BackfillService.settlingCheck)

    @Test func `every record comes once, as a create of type SNAPSHOT`() async throws {
        let org = SimulatedOrg(records: 2_300, time: time)
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver)
        let started: BackfillView = try await bench.ask("backfill.start", BackfillRequest(entity: "Sample__c"))
        let view = try await bench.ended(started.id)
        #expect(view.state == .done && view.records == 2_300 && view.expected == 2_300 && view.fraction == 1)
        #expect(receiver.numbers == org.truth)
        #expect(receiver.types == ["SNAPSHOT": 2_300])
        #expect(org.queries.count == 4, "one to count, and three pages")
    }

    @Test func `backfills of an org that is not configured any more say so, and keep no other org waiting`() async throws {
        let scratch = Scratch()
        let store = try Store(path: scratch.store, wall: 0)
        for number in 1...3 {
            let plan = BackfillPlan(org: "gone", entity: "Old\(number)__c", topic: "/data/ChangeEvents")
            try await store.save(BackfillRecord(id: "bf0000000\(number)", plan: BackfillService.json(plan), createdAt: 0))
        }
        try store.close()
        let org = SimulatedOrg(records: 30, time: time)
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver, scratch: scratch)
        let started: BackfillView = try await bench.ask("backfill.start", BackfillRequest(entity: "Sample__c"))
        #expect(try await bench.ended(started.id).state == .done && receiver.numbers == org.truth)
        let views: [BackfillView] = try await bench.ask("backfill.list", BackfillListRequest())
        let details = views.filter { $0.org == "gone" }.map(\.detail)
        #expect(details.count { $0.contains("gone is not in sluice.yaml") } == 2, "\(details)")
        #expect(details.count { $0.contains("waits for other backfills") } == 1, "\(details)")
    }

    @Test func `only the records that are asked for are read, and a wrong question is refused`() async throws {
        let org = SimulatedOrg(records: 40, time: time)
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver)
        var request = BackfillRequest(entity: "Sample__c")
        request.filter = "Parity__c = 1"
        request.rate = 100
        let started: BackfillView = try await bench.ask("backfill.start", request)
        #expect(try await bench.ended(started.id).records == 20)
        #expect(receiver.numbers.count == 20)
        request.topic = "/data/AccountChangeEvent"
        await #expect(throws: ControlError.self) { try await bench.ask("backfill.start", request, as: BackfillView.self) }
        request.entity = "Sample__c; DROP"
        await #expect(throws: ControlError.self) { try await bench.ask("backfill.start", request, as: BackfillView.self) }
    }

    @Test func `an object that the org does not have is refused at once, unless it cannot be asked`() async throws {
        let org = SimulatedOrg(records: 3, time: time)
        let bench = try await BackfillBench(org, ReceivedRecords())
        for (name, said) in [
            ("Smaple__c", "Did you mean 'Sample__c'?"), ("Nope", "has no object 'Nope'"),
            ("sample__c", "is written 'Sample__c'"),
        ] {
            await #expect {
                try await bench.ask("backfill.start", BackfillRequest(entity: name), as: BackfillView.self)
            } throws: { error in
                (error as? ControlError)?.kind == .badInput && "\(error)".contains(said)
            }
        }
        let none: [BackfillView] = try await bench.ask("backfill.list", BackfillListRequest())
        #expect(none.isEmpty)
        org.fail(1)
        let started: BackfillView = try await bench.ask("backfill.start", BackfillRequest(entity: "Nope"))
        #expect(started.isRunning)
        #expect(try await bench.ended(started.id).state == .failed)
    }

    @Test func `an event that is older than what was read is dropped, a newer one goes through`() async throws {
        let org = SimulatedOrg(records: 10, time: time)
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver)
        for _ in 0..<3 {
            org.change(4)
            time.advance(by: .seconds(2))
        }
        time.advance(by: .seconds(60))
        let started: BackfillView = try await bench.ask("backfill.start", BackfillRequest(entity: "Sample__c"))
        _ = try await bench.ended(started.id)
        org.change(4)
        try await bench.stream()
        try await bench.settled()
        #expect(receiver.numbers == org.truth && receiver.regressions.isEmpty)
        #expect(receiver.types == ["SNAPSHOT": 10, "UPDATE": 1])
        let view: BackfillView = try await bench.ask("backfill.show", NamedBackfill(id: started.id))
        #expect(view.dropped == 3)
        // Nothing is forgotten that an event could still meet, and everything once none can.
        await bench.service.settle()
        #expect(try await bench.bench.store.marks(of: [SimulatedOrg.id(4)], org: "prod", entity: "Sample__c").count == 1)
        time.advance(by: .seconds(1_200))
        try await bench.keepalive()
        await bench.service.settle()
        #expect(try await bench.bench.store.marks(of: [SimulatedOrg.id(4)], org: "prod", entity: "Sample__c").isEmpty)
        #expect(try await bench.bench.store.backfill(started.id)?.isSettled == true)
    }

    @Test func `a record that had just changed is read again, later`() async throws {
        let org = SimulatedOrg(records: 10, time: time)
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver)
        org.change(3)
        org.change(3)
        let started: BackfillView = try await bench.ask("backfill.start", BackfillRequest(entity: "Sample__c"))
        let view = try await bench.ended(started.id)
        #expect(view.records == 10 && view.late == 0)
        try await bench.stream()
        try await bench.settled()
        #expect(receiver.regressions.isEmpty && receiver.numbers == org.truth)
        #expect(receiver.types["UPDATE"] == nil, "both events are of that second, and in what was read")
    }

    @Test func `a server that fails is waited for, and a query that it refuses ends the backfill`() async throws {
        let org = SimulatedOrg(records: 30, time: time)
        let bench = try await BackfillBench(org, ReceivedRecords())
        org.fail(12)
        let started: BackfillView = try await bench.ask("backfill.start", BackfillRequest(entity: "Sample__c"))
        #expect(try await bench.ended(started.id).records == 30)
    }

    @Test func `pages that time out are made smaller`() async throws {
        let org = SimulatedOrg(records: 500, time: time)
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver)
        org.timeOut(above: 100)
        let started: BackfillView = try await bench.ask("backfill.start", BackfillRequest(entity: "Sample__c"))
        #expect(try await bench.ended(started.id).records == 500)
        #expect(receiver.numbers == org.truth)
    }

    /// Those of another topic with the same object, where it is watched for gap events.
    @Test(arguments: [false, true])
    func `a page waits for batches that were under way before its object was read`(forGaps: Bool) async throws {
        let scratch = Scratch()
        let gate = SnapshotGate(store: try Store(path: scratch.store, wall: 0), time: time.source)
        let subject = SnapshotSubject(org: "prod", entity: "Sample__c")
        let early = try await gate.pass([], topic: BackfillBench.topic, keepaliveAt: nil)
        if forGaps { gate.watchGaps(subject) } else { await gate.open(subject) }
        let late = try await gate.pass([], topic: BackfillBench.topic, keepaliveAt: nil)
        let isIn = Mutex(false)
        let page = Task {
            try await gate.enterPage(subject)
            isIn.withLock { $0 = true }
        }
        for _ in 0..<100 { await Task.yield() }
        #expect(!isIn.withLock { $0 })
        await early.leave()
        try await page.value
        await late.leave()
    }

    @Test func `events go by while a page waits for a server that fails`() async throws {
        let time = ManualTime()
        let org = SimulatedOrg(records: 30, time: time)
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver)
        org.failPages(true)
        let started: BackfillView = try await bench.ask("backfill.start", BackfillRequest(entity: "Sample__c"))
        try await pass(bench) { await bench.service.tracker(started.id)?.waits.contains("scripted") == true }
        for record in 0..<5 { org.change(record) }
        // No time passes.
        try await bench.stream()
        org.failPages(false)
        try await pass(bench) { (try? await bench.bench.store.backfill(started.id))??.state.isFinal == true }
        try await bench.settled()
        #expect(receiver.regressions.isEmpty && receiver.numbers == org.truth)
    }

    private func pass(_ bench: BackfillBench, until condition: () async -> Bool) async throws {
        for _ in 0..<10_000 {
            if await condition() { return }
            bench.org.time.advance(by: .seconds(1))
            bench.bench.clock.advance(by: 100)
            for _ in 0..<10 { await Task.yield() }
        }
        Issue.record("it does not come")
    }

    @Test func `many records are read by a bulk query, in whatever pages it gives`() async throws {
        let org = SimulatedOrg(records: 2_300, time: time)
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver, bulkFrom: 2_000)
        org.change(7)
        let started: BackfillView = try await bench.ask("backfill.start", BackfillRequest(entity: "Sample__c"))
        let view = try await bench.ended(started.id)
        #expect(view.state == .done && view.records == 2_300)
        #expect(receiver.numbers == org.truth && receiver.types == ["SNAPSHOT": 2_300])
        #expect(org.bulkJobs == 1 && org.queries.count == 1, "one to count; the job is forgotten")
    }

    @Test(arguments: [false, true])
    func `a bulk query that Salesforce loses is asked for again; one that it refuses is read by the REST API`(
        refusing: Bool
    ) async throws {
        let org = SimulatedOrg(records: 2_300, time: time)
        let receiver = ReceivedRecords()
        let scratch = Scratch()
        var bench = try await BackfillBench(org, receiver, scratch: scratch, bulkFrom: 1)
        var request = BackfillRequest(entity: "Sample__c")
        request.rate = 500
        let started: BackfillView = try await bench.ask("backfill.start", request)
        try await bench.bench.run("some are handed over") {
            await (bench.service.tracker(started.id)?.progress?.records ?? 0) > 700
        }
        try await bench.crash()
        org.loseBulkJobs(refusing: refusing)
        bench = try await BackfillBench(org, receiver, scratch: scratch, bulkFrom: 1)
        let view = try await bench.ended(started.id)
        #expect(view.state == .done && view.records == 2_300)
        #expect(receiver.numbers == org.truth && receiver.types == ["SNAPSHOT": 2_300], "and nothing came twice")
        #expect(org.bulkJobs == (refusing ? 1 : 2))
    }

    @Test(arguments: [1, 2, 3, 4, 11, 12, 13] as [UInt64])
    func `records that change all the time, and kills: the last value wins, and no older one comes after it`(
        seed: UInt64
    ) async throws {
        // From the eleventh on, a bulk query reads.
        let bulkFrom = seed > 10 ? 1 : 0
        // In the fourth our clock is a minute ahead, so that every record looks as if it had been left alone for long.
        let org = SimulatedOrg(records: 1_500, time: time, cutsSeconds: seed != 2, ahead: seed == 4 ? -60_000 : 0)
        let receiver = ReceivedRecords()
        let scratch = Scratch()
        var random = Seeded(seed)
        var id = ""
        for life in 0..<4 {
            let bench = try await BackfillBench(org, receiver, scratch: scratch, bulkFrom: bulkFrom)
            if id.isEmpty {
                var request = BackfillRequest(entity: "Sample__c")
                request.rate = 2_000
                let view: BackfillView = try await bench.ask("backfill.start", request)
                id = view.id
            }
            let limit = life < 3 ? 250 * (life + 1) + Int(random.next() % 200) : .max
            try await churn(bench, id, until: limit, &random)
            if life < 3 { try await bench.crash() } else { try await finish(bench, id) }
        }
        #expect(receiver.regressions.isEmpty, "seed \(seed): \(receiver.regressions.prefix(5))")
        let wrong = org.truth.filter { receiver.numbers[$0.key] != $0.value }
        #expect(wrong.isEmpty, "seed \(seed): \(wrong.count) wrong, such as \(wrong.first.map { "\($0)" } ?? "")")
        #expect(org.stream.count > 200)
        #expect(org.bulkJobs == bulkFrom)
    }

    /// Records change, events come late, until the backfill has handed over so many records, or is done.
    private func churn(
        _ bench: BackfillBench, _ id: String, until limit: Int, _ random: inout Seeded
    ) async throws {
        let org = bench.org
        var streamed = try await bench.bench.store.cursor(BackfillBench.topic).map { Make.number($0.replayID) } ?? 0
        while true {
            for _ in 0..<random.next() % 120 {
                let record = Int(random.next() % UInt64(org.records.count))
                switch random.next() % 40 {
                case 0: org.delete(record)
                case 1: org.create()
                // Some records change several times a second.
                case 2..<8: for _ in 0..<3 { org.change(record % 20, lead: Int64(random.next() % 300)) }
                default: org.change(record, lead: Int64(random.next() % 300))
                }
            }
            time.advance(by: .milliseconds(Int64(random.next() % 60)))
            // Up to a second late.
            let lag = Int64(random.next() % 1_000)
            let due = org.stream.prefix { $0.committed <= time.source.wall() + org.ahead - lag }.count
            if due > streamed {
                try await bench.stream(from: streamed, to: due)
                streamed = due
            }
            let stored = try await bench.bench.store.backfill(id)
            let record = try #require(stored)
            let live = await bench.service.tracker(id)?.progress?.records ?? record.progress.records
            guard record.state == .running, live < limit else { return }
            await Task.yield()
        }
    }

    private func finish(_ bench: BackfillBench, _ id: String) async throws {
        let view = try await bench.ended(id)
        #expect(view.state == .done)
        try await bench.settled()
        try await bench.stream()
        try await bench.settled()
    }
}

/// SplitMix64.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
