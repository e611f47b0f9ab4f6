import Events
import Store
import Testing

@testable import Relay

@Suite(.timeLimit(.minutes(15))) struct LossAlertsTests {
    private func statement(_ kind: String) -> LossStatement {
        LossStatement(
            at: 1_700_000_000_000, key: Make.key, kind: kind, text: "possible gap", lostFrom: 1_600_000_000_000,
            lostUntil: nil)
    }

    @Test func `a possible gap is delivered to the alert destination, once, and nothing else is`() async throws {
        let bench = try await Bench()
        let alerts = LossAlerts(
            destination: "hook", target: .webhook(method: "POST", path: "", headers: []), outbox: bench.outbox, log: .quiet)
        await alerts.stated(statement("nothingLost"))
        await alerts.stated(statement(LossStatement.gap))
        try await bench.run("it is delivered") { bench.sink.delivered.count == 1 }
        try await bench.run("it is written") { await bench.outbox.isClean }
        #expect(try await bench.store.cursors().isEmpty, "an alert moves no cursor")
        let body = String(decoding: alerts.delivery(statement(LossStatement.gap)).body, as: UTF8.self)
        #expect(
            body == """
                {"type":"sluice.possibleGap","at":"2023-11-14T22:13:20Z","org":"prod","topic":"/data/ChangeEvents",\
                "text":"possible gap","from":"2020-09-13T12:26:40Z"}
                """)
    }

    @Test func `statements are counted by kind, also those that were forgotten`() async throws {
        var limits = StoreLimits()
        limits.statements = 2
        let scratch = Scratch()
        let store = try Store(path: scratch.store, limits: limits, wall: 0)
        for _ in 0..<5 { try await store.add(statement(LossStatement.gap)) }
        try await store.add(statement("nothingLost"))
        #expect(try await store.statements().count == 2)
        let counts = try await store.lossCounts()
        #expect(counts.first { $0.kind == LossStatement.gap }?.count == 5)
        #expect(try await store.statements(of: Make.key, kind: LossStatement.gap).first?.lostFrom == 1_600_000_000_000)
    }
}
