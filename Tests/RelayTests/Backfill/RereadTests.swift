import Events
import Salesforce
import Store
import Testing
import TestSupport

@testable import Relay

/// What events do not tell is read.
@Suite(.timeLimit(.minutes(15))) struct RereadTests {
    private let time = ManualTime(
        start: 1_760_000_000_123, autoAdvance: true, but: BackfillService.settlingCheck)

    @Test func `after an overflow, what changed since is read, and what was deleted`() async throws {
        let org = SimulatedOrg(records: 60, time: time)
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver)
        untold(org)
        try await bench.stream()
        let view = try await bench.ended(try await only(bench).id)
        #expect(view.state == .done && view.kind == .reread && view.records == 11 && view.deleted == 1)
        #expect(view.cause.hasPrefix("GAP_OVERFLOW committed at 2025"))
        #expect(receiver.types == ["GAP_UPDATE": 10, "GAP_CREATE": 1, "GAP_DELETE": 1])
        for (id, number) in receiver.numbers { #expect(number == org.truth[id]) }
        #expect(receiver.numbers[SimulatedOrg.id(20)] == -1)
        #expect(!bench.lines.all.contains { $0.contains("went to nobody") })
    }

    @Test(arguments: [3_000, 3_600_000] as [Int64])
    func `what was deleted is told whatever our clock says`(ahead: Int64) async throws {
        let org = SimulatedOrg(records: 60, time: time, ahead: ahead)
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver)
        org.delete(20, isTold: false)
        org.delete(40, isTold: false)
        org.overflow()
        try await bench.stream()
        let view = try await bench.ended(try await only(bench).id)
        #expect(view.state == .done && view.deleted == 2, "\(view.detail)")
        #expect(receiver.numbers == [SimulatedOrg.id(20): -1, SimulatedOrg.id(40): -1])
    }

    @Test func `a kill while deletions are too young to be settled loses none of them`() async throws {
        let org = SimulatedOrg(records: 60, time: time, ahead: 60_000)
        let receiver = ReceivedRecords()
        let scratch = Scratch()
        let first = try await BackfillBench(org, receiver, scratch: scratch)
        org.delete(20, isTold: false)
        org.overflow()
        try await first.stream()
        let id = try await only(first).id
        try await first.bench.run("the deletion waits") {
            (try? await first.bench.store.backfill(id))??.progress.lateDeleted?.isEmpty == false
        }
        try await first.crash()
        let second = try await BackfillBench(org, receiver, scratch: scratch)
        #expect(try await second.ended(id).state == .done)
        #expect(receiver.numbers == [SimulatedOrg.id(20): -1])
    }

    @Test func `an overflow that comes again after a kill is read once, and goes on where it was`() async throws {
        let org = SimulatedOrg(records: 60, time: time)
        let receiver = ReceivedRecords()
        let scratch = Scratch()
        let first = try await BackfillBench(org, receiver, scratch: scratch)
        untold(org)
        try await first.stream()
        let id = try await only(first).id
        try await first.crash()
        let second = try await BackfillBench(org, receiver, scratch: scratch)
        try await second.stream(from: 0, to: org.stream.count)
        #expect(try await second.ended(id).state == .done)
        #expect(try await only(second).id == id)
        #expect(receiver.numbers.count == 12 && receiver.regressions.isEmpty)
    }

    @Test func `an event that was read past is dropped, one that is newer is not`() async throws {
        let org = SimulatedOrg(records: 5, time: time)
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver)
        org.overflow()
        for _ in 0..<4 {
            org.change(1)
            time.advance(by: .seconds(1))
        }
        time.advance(by: .seconds(60))
        try await bench.stream(upTo: 1)
        _ = try await bench.ended(try await only(bench).id)
        #expect(receiver.numbers == [SimulatedOrg.id(1): 4])
        org.change(1)
        try await bench.stream(from: 1, to: org.stream.count)
        try await bench.settled()
        #expect(receiver.numbers == [SimulatedOrg.id(1): 5] && receiver.regressions.isEmpty)
        #expect(receiver.types == ["GAP_UPDATE": 1, "UPDATE": 1])
    }

    @Test func `a lost position is made good by a read of what changed since`() async throws {
        let org = SimulatedOrg(records: 60, time: time)
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver)
        let since = time.source.wall()
        for record in 0..<7 { org.change(record, isTold: false) }
        time.advance(by: .seconds(3_600))
        await bench.ingest.stated(
            ResumeStatement(kind: .possibleGap, text: "events may be missing", lostSince: since),
            topic: BackfillBench.topic.topic)
        let view = try await bench.ended(try await only(bench).id)
        #expect(view.state == .done && view.records == 7)
        #expect(view.since?.milliseconds == since - BackfillService.overlap)
        #expect(receiver.numbers.count == 7)
    }

    @Test func `an object that does not tell of deleted records is read without them`() async throws {
        let org = SimulatedOrg(records: 60, time: time)
        org.hideDeleted()
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver)
        untold(org)
        // Too young to be settled when it is read first.
        org.change(30, isTold: false)
        try await bench.stream()
        let view = try await bench.ended(try await only(bench).id)
        #expect(view.state == .done && view.records == 12 && view.deleted == 0, "\(view.detail)")
        #expect(receiver.numbers[SimulatedOrg.id(30)] == org.truth[SimulatedOrg.id(30)])
        #expect(bench.lines.all.contains { $0.contains("Sample__c does not tell which of its records were deleted") })
        #expect(!org.queries.contains { $0.contains("IsDeleted") })
    }

    @Test func `a field that was removed since it was described does not end a read`() async throws {
        let org = SimulatedOrg(records: 60, time: time)
        org.add(field: "More__c")
        let receiver = ReceivedRecords()
        let bench = try await BackfillBench(org, receiver)
        // Described for the first one.
        let whole = try await bench.ask("backfill.start", BackfillRequest(entity: "Sample__c"), as: BackfillView.self)
        #expect(try await bench.ended(whole.id).state == .done)
        org.removeField()
        let again = try await bench.ask("backfill.start", BackfillRequest(entity: "Sample__c"), as: BackfillView.self)
        let view = try await bench.ended(again.id)
        #expect(view.state == .done && view.records == 60, "\(view.detail)")
        #expect(bench.lines.all.contains { $0.contains("the fields of Sample__c have changed") })
    }

    @Test func `where nothing was lost nothing is read`() async throws {
        let bench = try await BackfillBench(SimulatedOrg(records: 5, time: time), ReceivedRecords())
        await bench.ingest.stated(
            ResumeStatement(kind: .nothingLost, text: "nothing lost"), topic: BackfillBench.topic.topic)
        #expect(try await bench.ask("backfill.list", BackfillListRequest(), as: [BackfillView].self).isEmpty)
    }

    @Test func `a topic that wants a snapshot has one, once`() async throws {
        let org = SimulatedOrg(records: 25, time: time)
        let receiver = ReceivedRecords()
        let scratch = Scratch()
        let first = try await BackfillBench(org, receiver, scratch: scratch)
        await first.service.snapshot(BackfillBench.topic, time: time.source)
        #expect(try await first.ended(try await only(first).id).records == 25)
        try await first.crash()
        let second = try await BackfillBench(org, receiver, scratch: scratch)
        await second.service.snapshot(BackfillBench.topic, time: time.source)
        #expect(try await only(second).state == .done)
        #expect(receiver.types == ["SNAPSHOT": 25])
    }

    /// Ten changes, a creation and a deletion that no event tells of, but for the overflow.
    private func untold(_ org: SimulatedOrg) {
        for record in 0..<10 { org.change(record, isTold: false) }
        org.delete(20, isTold: false)
        org.create(isTold: false)
        org.overflow()
        time.advance(by: .seconds(30))
    }

    private func only(_ bench: BackfillBench) async throws -> BackfillView {
        let views: [BackfillView] = try await bench.ask("backfill.list", BackfillListRequest())
        try #require(views.count == 1)
        return views[0]
    }
}
