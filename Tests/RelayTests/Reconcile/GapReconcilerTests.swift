import Events
import FoundationEssentials
import Store
import Synchronization
import Testing
import TestSupport

@testable import Relay

/// Gap events are read back in the lanes of their records.
@Suite(.timeLimit(.minutes(10))) struct GapReconcilerTests {
    private let time = ManualTime(start: 1_760_000_000_123)
    private let receiver = ReceivedRecords()

    @Test func `what was read stands in the gap's place, and events that are in it do not come behind it`() async throws {
        let org = SimulatedOrg(records: 10, time: time)
        let bench = try await BackfillBench(org, receiver, readsGaps: true)
        org.change(3, isGap: true)
        org.change(3)
        org.change(4)
        try await bench.stream()
        try await bench.settled()
        #expect(receiver.numbers == [SimulatedOrg.id(4): 1], "only the record of the gap waits")
        #expect(try await bench.bench.store.heldEvents(org: "prod").count == 2)
        try await pass(bench)
        #expect(receiver.numbers == [SimulatedOrg.id(3): 2, SimulatedOrg.id(4): 1])
        #expect(receiver.types == ["GAP_UPDATE": 1, "UPDATE": 1])
        #expect(try await bench.bench.store.heldEvents(org: "prod").isEmpty)
        org.change(3)
        try await bench.stream()
        try await bench.settled()
        #expect(receiver.numbers[SimulatedOrg.id(3)] == 3 && receiver.regressions.isEmpty)
    }

    @Test func `a change that comes late and is in what was read is dropped, for the rule that has it`() async throws {
        let org = SimulatedOrg(records: 3, time: time)
        let bench = try await BackfillBench(org, receiver, readsGaps: true)
        org.change(1, isGap: true)
        time.advance(by: .seconds(2))
        org.change(1)
        try await bench.stream(upTo: 1)
        try await pass(bench)
        #expect(receiver.numbers == [SimulatedOrg.id(1): 2])
        try await bench.stream()
        try await bench.settled()
        #expect(receiver.types == ["GAP_UPDATE": 1])
    }

    @Test func `a rule that the read does not concern misses no event`() async throws {
        let rules = BackfillBench.rules.replacing(
            "to:", with: "when: \"event.fetched == false || record.Name == 'x'\"\n    to:")
        let org = SimulatedOrg(records: 3, time: time)
        let bench = try await BackfillBench(org, receiver, readsGaps: true, rules: rules)
        org.change(1, isGap: true)
        org.change(1)
        org.change(1)
        try await bench.stream()
        try await pass(bench)
        #expect(receiver.types == ["UPDATE": 2])
    }

    /// Takes gap events as they are. `n` is the event's place in the stream.
    private static let noticed = BackfillBench.rules + """
          - id: noticed
            onGap: deliver
            match: {entity: Sample__c, change: [create, update, delete, undelete]}
            to:
              destination: hook
              body:
                id: "noticed ${recordId}"
                n: "${header.transactionKey.substring(1)}"
                change: any
                type: "${header.changeType}"

        """

    @Test func `a rule that takes gap events as they are gets them in their places`() async throws {
        let org = SimulatedOrg(records: 3, time: time)
        let bench = try await BackfillBench(org, receiver, readsGaps: true, rules: Self.noticed)
        let name = "noticed " + SimulatedOrg.id(1)
        org.change(1)
        org.change(1, isGap: true)
        org.change(1)
        org.change(1, isGap: true)
        try await bench.stream()
        try await bench.settled()
        #expect(receiver.numbers[name] == 1, "nothing overtakes the change that waits")
        try await pass(bench)
        #expect(receiver.numbers[name] == 3 && receiver.counts[name] == 4 && receiver.regressions.isEmpty)
    }

    @Test func `what a paused bulk query has read does not come behind what was read since`() async throws {
        let org = SimulatedOrg(records: 3, time: time)
        let bench = try await BackfillBench(org, receiver, readsGaps: true, bulkFrom: 1)
        let bulk = try await bench.ask("backfill.start", BackfillRequest(entity: "Sample__c"), as: BackfillView.self)
        try await letTimePass(bench) {
            while try await bench.bench.store.backfill(bulk.id)?.progress.bulk == nil { await Task.yield() }
            _ = try await bench.ask("backfill.pause", NamedBackfill(id: bulk.id), as: BackfillView.self)
        }
        // No event names the record, so only its mark tells that something newer was handed over.
        org.change(1, isTold: false)
        org.overflow()
        time.advance(by: .seconds(30))
        try await letTimePass(bench) {
            try await bench.stream()
            while receiver.numbers[SimulatedOrg.id(1)] != 1 { await Task.yield() }
        }
        org.change(2, isGap: true)
        try await letTimePass(bench) { try await bench.stream() }
        try await pass(bench)
        // Long enough for marks of gap events to be forgotten.
        for _ in 0..<20 {
            time.advance(by: .seconds(60))
            try await bench.keepalive()
            for _ in 0..<200 { await Task.yield() }
        }
        _ = try await bench.ask("backfill.resume", NamedBackfill(id: bulk.id), as: BackfillView.self)
        try await letTimePass(bench) {
            while try await bench.bench.store.backfill(bulk.id)?.state != .done { await Task.yield() }
        }
        try await bench.settled()
        #expect(receiver.numbers[SimulatedOrg.id(1)] == 1 && receiver.regressions.isEmpty, "\(receiver.regressions)")
    }

    @Test func `a record that vanished becomes a delete, once`() async throws {
        let org = SimulatedOrg(records: 3, time: time)
        let bench = try await BackfillBench(org, receiver, readsGaps: true)
        org.change(1, isGap: true)
        org.change(1)
        org.delete(1)
        org.delete(2, isGap: true)
        try await bench.stream()
        try await pass(bench)
        #expect(receiver.numbers == [SimulatedOrg.id(1): -1, SimulatedOrg.id(2): -1])
        #expect(receiver.types == ["GAP_UPDATE": 1, "GAP_DELETE": 1] && receiver.regressions.isEmpty)
    }

    @Test func `what is held outlives a kill, and a server that fails only delays it`() async throws {
        let org = SimulatedOrg(records: 5, time: time)
        let scratch = Scratch()
        let first = try await BackfillBench(org, receiver, scratch: scratch, readsGaps: true)
        for _ in 0..<2 { org.change(1, isGap: true) }
        org.change(1)
        try await first.stream()
        await first.bench.outbox.flush()
        try await first.crash()
        #expect(receiver.numbers.isEmpty)
        let second = try await BackfillBench(org, receiver, scratch: scratch, readsGaps: true)
        org.fail(6)
        org.change(1)
        try await second.stream()
        try await pass(second)
        #expect(receiver.numbers == [SimulatedOrg.id(1): 4] && receiver.regressions.isEmpty)
        #expect(receiver.types == ["GAP_UPDATE": 1])
    }

    /// Marks are written before what they mark, so a kill in between leaves them alone.
    @Test func `a mark whose delivery a kill undid does not stand in the way of the delivery`() async throws {
        let org = SimulatedOrg(records: 3, time: time)
        let bench = try await BackfillBench(org, receiver, readsGaps: true)
        org.change(1, isGap: true)
        let covers = org.records[1].modified / 1000 * 1000 + 999
        try await bench.bench.store.addMarks(
            [RecordMark(recordID: SimulatedOrg.id(1), rule: "sample", covers: covers)], org: "prod", entity: "Sample__c")
        try await bench.stream()
        try await pass(bench)
        #expect(receiver.numbers == [SimulatedOrg.id(1): 1])
    }

    /// `SLUICE_GAP_RECORDS` sets the size; ten changes for each record.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `gap events, an overflow, faults and kills: everybody ends with the org's state and never goes back`(
        seed: UInt64
    ) async throws {
        let count = ProcessInfo.processInfo.environment["SLUICE_GAP_RECORDS"].flatMap(Int.init) ?? 150
        // In the fourth our clock is a minute ahead.
        let org = SimulatedOrg(records: count, time: time, cutsSeconds: seed != 2, ahead: seed == 4 ? -60_000 : 0)
        let scratch = Scratch()
        var random = Seeded(seed)
        let lives = 5
        for life in 0..<lives {
            let bench = try await BackfillBench(
                org, receiver, scratch: scratch, readsGaps: true, rules: Self.noticed)
            try await churn(bench, changes: count * 10 / lives, &random, overflows: life == 2)
            if life < lives - 1 { try await bench.crash() } else { try await finish(bench) }
        }
        #expect(receiver.regressions.isEmpty, "seed \(seed): \(receiver.regressions.prefix(5))")
        let told = org.truth.filter { $0.value != 0 }
        let wrong = told.filter { receiver.numbers[$0.key] != $0.value }
        #expect(wrong.isEmpty, "seed \(seed): \(wrong.count) wrong, such as \(wrong.first.map { "\($0)" } ?? "")")
        let noticed = receiver.counts.filter { $0.key.hasPrefix("noticed") }.values.reduce(0, +)
        #expect(noticed == org.stream.count { $0.record >= 0 }, "seed \(seed)")
        let types = receiver.types
        #expect(types["GAP_UPDATE", default: 0] > count / 10 && types["UPDATE", default: 0] > count)
        print("seed \(seed): \(told.count) records, \(org.stream.count) events, \(types)")
    }

    private func churn(
        _ bench: BackfillBench, changes: Int, _ random: inout Seeded, overflows: Bool
    ) async throws {
        let org = bench.org
        var streamed = try await bench.bench.store.cursor(BackfillBench.topic).map { Make.number($0.replayID) } ?? 0
        var made = 0
        while made < changes {
            let burst = Int(random.next() % 60)
            for _ in 0..<burst { change(org, &random) }
            if overflows, made < changes / 2, made + burst >= changes / 2 {
                for _ in 0..<burst { org.change(Int(random.next() % UInt64(org.records.count)), isTold: false) }
                org.overflow()
            }
            made += burst
            if random.next() % 20 == 0 { org.fail(Int(random.next() % 6)) }
            time.advance(by: .milliseconds(Int64(random.next() % 400)))
            bench.bench.clock.advance(by: Int64(random.next() % 200))
            // Up to a second late.
            let lag = Int64(random.next() % 1_000)
            let due = org.stream.prefix { $0.committed <= time.source.wall() + org.ahead - lag }.count
            if due > streamed {
                let from = streamed
                try await letTimePass(bench) { try await bench.stream(from: from, to: due) }
                streamed = due
            }
            for _ in 0..<5 { await Task.yield() }
        }
    }

    private func change(_ org: SimulatedOrg, _ random: inout Seeded) {
        let record = Int(random.next() % UInt64(org.records.count))
        let isGap = random.next() % 20 == 0
        switch random.next() % 100 {
        case 0: org.delete(record, isGap: isGap)
        case 1: org.create(isGap: isGap)
        default: org.change(record, lead: Int64(random.next() % 300), isGap: isGap)
        }
    }

    /// A batch may wait for a page that is being read, and that one for the next try of a call; or for the next commit.
    private func letTimePass(
        _ bench: BackfillBench, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let isDone = Mutex(false)
        let work = Task {
            defer { isDone.withLock { $0 = true } }
            try await body()
        }
        while !isDone.withLock({ $0 }) {
            for _ in 0..<200 where !isDone.withLock({ $0 }) { await Task.yield() }
            guard !isDone.withLock({ $0 }) else { break }
            time.advance(by: .milliseconds(20))
            bench.bench.clock.advance(by: 20)
        }
        try await work.value
    }

    private static let maximumSteps = 50_000

    private func finish(_ bench: BackfillBench) async throws {
        try await letTimePass(bench) { try await bench.stream() }
        try await pass(bench)
        for _ in 0..<Self.maximumSteps {
            guard try await bench.bench.store.backfills().contains(where: { !$0.state.isFinal }) else {
                return try await bench.settled()
            }
            time.advance(by: .milliseconds(200))
            bench.bench.clock.advance(by: 100)
            await Task.yield()
        }
        let views: [BackfillView] = try await bench.ask("backfill.list", BackfillListRequest())
        let held = await bench.gapReader?.queue.eventCount
        Issue.record("a re-read does not end: \(views), \(held ?? 0) events are held; \(bench.lines.all.suffix(8))")
    }

    /// Lets time pass until nothing waits to be read.
    private func pass(_ bench: BackfillBench) async throws {
        for _ in 0..<Self.maximumSteps {
            guard await bench.gapReader?.isIdle == false else { return try await bench.settled() }
            time.advance(by: .milliseconds(100))
            bench.bench.clock.advance(by: 10)
            for _ in 0..<20 { await Task.yield() }
        }
        Issue.record("gap events are not read back: \(bench.lines.all.suffix(8))")
    }
}
