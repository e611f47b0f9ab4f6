import Events
import Salesforce
import Store
import Testing
import TestSupport

@testable import Relay

@Suite(.timeLimit(.minutes(15))) struct IngestTests {
    private let id: String
    private let known: [String: [ScriptedSchemas.Answer]]

    init() throws {
        id = try SampleEvents.schemaID()
        known = [id: [.json(SampleEvents.schemaJSON)]]
    }

    @Test func `each event is delivered, and the cursor follows with its commit time`() async throws {
        let bench = try await IngestBench(known)
        let time = try await bench.accept((1...3).map { update($0) }, cursor: 3)
        #expect(time == SampleEvents.commitTime)
        #expect(Set(bench.bench.sink.delivered).count == 3)
        let cursor = try #require(try await bench.bench.store.cursor(Make.key))
        #expect(cursor.commitTime == SampleEvents.commitTime)
        #expect(cursor.orgID == IngestBench.org.id && cursor.instanceURL == IngestBench.org.instanceURL)
        #expect(bench.schemas.asked == [id])
    }

    @Test func `a merged event becomes a delivery for each record, each in its own lane`() async throws {
        let bench = try await IngestBench(known)
        let records = (1...4).map(SampleEvents.recordID)
        try await bench.accept([SampleEvents.update(1, records, schemaID: id)], cursor: 1)
        #expect(Set(bench.bench.sink.attempts.map(\.lane)) == Set(records))
        #expect(Set(bench.bench.sink.attempts.map(\.id)).count == 4)
    }

    @Test func `a payload that cannot be decoded goes to quarantine as it came, and the others go on`() async throws {
        let bench = try await IngestBench(known)
        let poison: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x41]
        try await bench.accept([update(1), SampleEvents.event(2, poison, id), update(3)], cursor: 3)
        #expect(bench.bench.sink.delivered.count == 2)
        let aside = try await bench.bench.store.quarantine()
        #expect(aside.map(\.payload) == [poison])
        #expect(aside.map(\.replayID) == [Make.replayID(2)])
        #expect(aside.map(\.schemaID) == [id])
        #expect(bench.lines.all.count { $0.contains("quarantine") } == 1)
    }

    @Test func `so does an event whose schema is unknown, and one whose schema is another one`() async throws {
        let strange = String(repeating: "0", count: 32)
        let bench = try await IngestBench(known.merging([strange: [.json(SampleEvents.otherJSON)]]) { $1 })
        try await bench.accept(
            [update(1), SampleEvents.event(2, [2], "nope"), SampleEvents.event(3, [2], strange)], cursor: 3)
        #expect(bench.bench.sink.delivered.count == 1)
        let aside = try await bench.bench.store.quarantine()
        #expect(Set(aside.map(\.schemaID)) == ["nope", strange])
        #expect(aside.contains { $0.reason.contains("fingerprint") })
        #expect(try await bench.bench.store.schema(strange) == nil, "a wrong schema is not kept")
    }

    @Test func `a schema that is refused is asked for once a minute, not once for each event`() async throws {
        let time = ManualTime()
        let bench = try await IngestBench(time: time, known)
        try await bench.accept((1...50).map { SampleEvents.event($0, [2], "nope") }, cursor: 50)
        #expect(bench.schemas.asked == ["nope"])
        time.advance(by: .seconds(61))
        try await bench.accept([SampleEvents.event(51, [2], "nope")], cursor: 51)
        #expect(bench.schemas.asked == ["nope", "nope"])
        #expect(try await bench.bench.store.quarantineCount() == 51)
    }

    @Test func `a schema that cannot be had now is waited for, and nothing is put aside or passed over`() async throws {
        let time = ManualTime(autoAdvance: true)
        let busy = ScriptedSchemas.Answer.fail(.temporary("service.unavailable"))
        let bench = try await IngestBench(time: time, [id: [busy, busy, busy, .json(SampleEvents.schemaJSON)]])
        try await bench.accept([update(1)], cursor: 1)
        #expect(bench.bench.sink.delivered.count == 1)
        #expect(time.slept == [.seconds(1), .seconds(2), .seconds(4)])
        #expect(try await bench.bench.store.quarantineCount() == 0)
        #expect(bench.lines.all.count == 2, "one line that it waits, one that it goes on: \(bench.lines.all)")
    }

    @Test func `while it waits nothing is taken, and a stop ends the waiting without a word`() async throws {
        let time = ManualTime()
        let bench = try await IngestBench(time: time, [id: [.fail(.temporary("service.unavailable"))]])
        let batch = bench.batch([update(1)], cursor: 1)
        let accepting = Task { try await bench.ingest.accept(batch) }
        while time.slept.isEmpty { await Task.yield() }
        accepting.cancel()
        await #expect(throws: CancellationError.self) { try await accepting.value }
        #expect(await bench.bench.outbox.isClean)
        #expect(try await bench.bench.storedCursor() == nil)
        #expect(bench.bench.sink.attempts.isEmpty)
        #expect(bench.lines.all.count == 1)
    }

    @Test func `a call that a stop broke off is no reason to warn`() async throws {
        let bench = try await IngestBench([id: [.fail(.temporary("CANCELLED"))]])
        let batch = bench.batch([update(1)], cursor: 1)
        let accepting = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await bench.ingest.accept(batch)
        }
        await #expect(throws: CancellationError.self) { try await accepting.value }
        #expect(bench.lines.all.isEmpty)
    }

    @Test func `a keepalive moves the cursor and leaves the commit time of the last event`() async throws {
        let bench = try await IngestBench(known)
        try await bench.accept([update(1)], cursor: 1)
        #expect(try await bench.accept([], cursor: 9) == nil)
        #expect(try await bench.bench.store.cursor(Make.key)?.commitTime == SampleEvents.commitTime)
        #expect(try await bench.bench.store.journalSize().rows == 1)
    }

    @Test func `a response whose events had all come before closes no transaction, a keepalive does`() async throws {
        let bench = try await IngestBench(known)
        try await bench.accept([update(1)], cursor: 1)
        let marks = try #require(bench.bench.outbox.marks)
        let stream = StreamMarks.Stream(orgID: IngestBench.org.id, topic: Make.key.topic)
        let open = try #require(marks.newest(of: stream)?.transaction)
        var repeated = bench.batch([], cursor: 1)
        repeated.isKeepalive = false
        _ = try await bench.ingest.accept(repeated)
        #expect(marks.newest(of: stream)?.transaction == open)
        try await bench.accept([], cursor: 2)
        #expect(marks.newest(of: stream)?.transaction == nil)
    }

    @Test func `a keepalive's cursor does not pass an event that is not delivered or stored yet`() async throws {
        let bench = try await IngestBench(known)
        bench.bench.sink.close()
        _ = try await bench.ingest.accept(bench.batch([update(1)], cursor: 1))
        _ = try await bench.ingest.accept(bench.batch([], cursor: 9))
        try await bench.bench.run("the cursor is stored") { (try? await bench.bench.storedCursor()) == 9 }
        #expect(try await bench.bench.rows().count == 1, "what is not acknowledged is stored with the cursor")
        bench.bench.sink.open()
    }

    @Test func `gap events that no rule takes are said once, then counted`() async throws {
        let time = ManualTime()
        let bench = try await IngestBench(time: time, known)
        try await bench.accept([gap(1), gap(2), gap(3)], cursor: 3)
        #expect(bench.lines.all.count == 1)
        #expect(bench.lines.all.first?.contains("a gap event of Sample__c went to nobody") == true)
        time.advance(by: .seconds(61))
        try await bench.accept([gap(4)], cursor: 4)
        #expect(bench.lines.all.last?.contains("3 gap events") == true)
        #expect(bench.bench.sink.attempts.isEmpty)
    }

    @Test func `changes of a type that nobody knows are said once`() async throws {
        let bench = try await IngestBench(known)
        let id = try SampleEvents.schemaID()
        let events = (1...3).map { SampleEvents.unknownChange($0, SampleEvents.recordID($0), schemaID: id) }
        try await bench.accept(events, cursor: 3)
        #expect(bench.lines.all.count == 1)
        #expect(bench.lines.all.first?.contains("go to nobody: this version of Sluice does not know it") == true)
        #expect(bench.bench.sink.attempts.isEmpty)
    }

    @Test func `a schema is fetched once ever: the next start finds it in the store`() async throws {
        let scratch = Scratch()
        let first = try await IngestBench(scratch: scratch, known)
        try await first.accept([update(1)], cursor: 1)
        try await first.bench.crash()
        let second = try await IngestBench(scratch: scratch)
        try await second.accept([update(2)], cursor: 2)
        #expect(second.schemas.asked.isEmpty)
        #expect(second.bench.sink.delivered.count == 1)
    }

    private func update(_ number: Int) -> ConsumerEvent {
        SampleEvents.update(number, [SampleEvents.recordID(number)], schemaID: id)
    }

    private func gap(_ number: Int) -> ConsumerEvent {
        SampleEvents.gap(number, SampleEvents.recordID(number), schemaID: id)
    }
}
