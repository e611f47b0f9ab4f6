import Events
import Testing

@testable import Relay

@Suite struct IntakeTests {
    private func entry(_ number: Int) -> OutboxEntry { OutboxEntry(seq: Int64(number), delivery: Make.delivery(number)) }

    private func accept(_ count: Int, _ intake: inout Intake) -> [OutboxEntry] {
        (0..<count).map { number in
            intake.accepted()
            return entry(number)
        }
    }

    @Test func `a quick destination is waited for while more than it needs is at hand`() {
        var intake = Intake()
        for entry in accept(1_000, &intake) { intake.resolved(entry) }
        let few = accept(Intake.reserve + 2 * 16, &intake)
        #expect(!intake.isWorthWaiting(concurrency: 16))
        let more = accept(100, &intake)
        #expect(intake.isWorthWaiting(concurrency: 16))
        for entry in more { intake.resolved(entry) }
        #expect(!intake.isWorthWaiting(concurrency: 16))
        #expect(intake.young == few.count)
    }

    @Test func `nobody waits for one that gets through nothing, or too little`() {
        var intake = Intake()
        let entries = accept(500, &intake)
        #expect(!intake.isWorthWaiting(concurrency: 4))
        for entry in entries.prefix(10) { intake.resolved(entry) }
        #expect(!intake.isWorthWaiting(concurrency: 4))
    }

    @Test func `a commit takes what is at hand, and the time before it counts for the next`() {
        var intake = Intake()
        for entry in accept(1_000, &intake) { intake.resolved(entry) }
        _ = accept(300, &intake)
        #expect(intake.isWorthWaiting(concurrency: 1))
        intake.committing()
        #expect(intake.young == 0)
        #expect(!intake.isWorthWaiting(concurrency: 1))
        _ = accept(200, &intake)
        #expect(intake.isWorthWaiting(concurrency: 1))
        // Two quiet intervals, and what was is forgotten.
        intake.committing()
        intake.committing()
        _ = accept(200, &intake)
        #expect(!intake.isWorthWaiting(concurrency: 1))
    }

    @Test func `what is being written is not at hand any more`() {
        var intake = Intake()
        let entries = accept(10, &intake)
        entries[0].storage = .writing
        intake.committing()
        intake.resolved(entries[0])
        #expect(intake.young == 0)
    }

    @Test func `accept waits for a quick destination, and never longer than until a commit`() async throws {
        let sink = FakeSink()
        let bench = try await Bench(sink: sink, concurrency: 1)
        try await bench.outbox.accept(Make.batch((0..<600).map { Make.delivery($0, lane: "\($0)") }, cursor: 600))
        try await bench.run("all delivered", maximumSteps: 10_000) { sink.delivered.count == 600 }
        sink.close()
        let outbox = bench.outbox
        let accepting = Task {
            try await outbox.accept(
                Make.batch((600..<900).map { Make.delivery($0, lane: "\($0)") }, cursor: 900))
        }
        // The receiver takes nothing more: the commit ends the wait.
        try await bench.run("the batch is stored", maximumSteps: 10_000) { try! await bench.rows().count == 300 }
        try await accepting.value
        sink.open()
    }
}
