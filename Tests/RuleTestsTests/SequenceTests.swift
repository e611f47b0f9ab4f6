import Testing

@testable import RuleTests

@Suite struct SequenceTests {
    private func folder(_ coalesce: String, body: String, tests: String) throws -> TestFolder {
        try TestFolder([
            "rules.yaml": """
                sluice: 1
                destinations:
                  hook: {kind: webhook, url: "https://hook.example.com/in"}
                rules:
                  - id: gathered
                    match: {entity: Account, change: [create, update, delete]}
                    to:
                      destination: hook
                      coalesce: \(coalesce)
                      body: \(body)

                """,
            "rules.test.yaml": "sluice: 1\ngiven: {now: 2026-11-22T03:00:00Z}\ntests:\n" + tests,
        ])
    }

    private func passes(_ folder: TestFolder) async throws {
        let report = try await folder.run()
        #expect(report.verdict == .passed, "\(report.text)")
    }

    private let batchBody = #"{n: "${batch.count}", ids: "${batch.recordIds}"}"#

    @Test func `events are gathered until it is quiet, then begin anew`() async throws {
        try await passes(folder("{quiet: 20s, max: 5m}", body: batchBody, tests: """
              - name: two batches
                events:
                  - {entity: Account, change: update, ids: [a], changed: {A: 1}}
                  - {at: 15s, entity: Account, change: update, ids: [b, a], changed: {A: 1}}
                  - {at: 40s, entity: Account, change: update, ids: [001000000000003AAA], changed: {A: 1}}
                expect:
                  deliveries:
                    - {rule: gathered, at: 35s, body: {n: 3, ids: [a, b]}}
                    - {rule: gathered, at: 60s, body: {n: 1, ids: [001000000000003AAA]}, state: delivered}

            """))
    }

    @Test func `while a batch is tried again the next one gathers`() async throws {
        let tests = """
              - name: one at a time
                events:
                  - {entity: Account, change: update, ids: [001000000000001AAA], changed: {A: 1}}
                  - {at: 30s, entity: Account, change: update, ids: [001000000000002AAA], changed: {A: 1}}
                  - {at: 60s, entity: Account, change: update, ids: [001000000000003AAA], changed: {A: 1}}
                answers: {hook: [{status: 429, headers: {Retry-After: "100"}}]}
                expect:
                  deliveries:
                    - {at: 10s, state: delivered, attempts: 2, body: {n: 1, ids: [001000000000001AAA]}}
                    - {state: delivered, attempts: 1, body: {n: 2, ids: [001000000000002AAA, 001000000000003AAA]}}

            """
        try await passes(folder("{quiet: 10s}", body: batchBody, tests: tests))
    }

    @Test func `latest merges the fields of each record`() async throws {
        let body = #"{id: "${recordId}", change: "${event.change}", a: "${record.?A}", b: "${record.?B}"}"#
        try await passes(folder("{mode: latest, quiet: 10s}", body: body, tests: """
              - name: two records
                events:
                  - {entity: Account, change: create, ids: [001000000000001AAA], record: {A: 1, B: x}}
                  - {at: 1s, entity: Account, change: update, ids: [001000000000002AAA], changed: {B: y}}
                  - {at: 5s, entity: Account, change: update, ids: [001000000000001AAA], changed: {A: 2, B: null}}
                expect:
                  deliveries:
                    - {at: 11s, body: {id: 001000000000002AAA, change: update, b: y}}
                    - {at: 15s, body: {id: 001000000000001AAA, change: create, a: 2, b: null}}

            """))
    }

    @Test func `a transaction is delivered when it is complete`() async throws {
        try await passes(folder("{transaction: true, quiet: 5m, max: 10m}", body: batchBody, tests: """
              - name: two transactions
                events:
                  - {entity: Account, change: update, ids: [a], changed: {A: 1}, transaction: t1}
                  - {at: 2s, entity: Account, change: update, ids: [b], changed: {A: 1}, transaction: t1}
                  - {at: 3s, entity: Account, change: update, ids: [c], changed: {A: 1}, transaction: t2}
                expect:
                  deliveries:
                    - {at: 3s, body: {n: 2, ids: [a, b]}}
                    - {at: 273s, body: {n: 1, ids: [c]}}

            """))
    }

    @Test func `deliveries of one record go one after another, others beside them`() async throws {
        let folder = try TestFolder.accounts(
            tests: """
                  - name: lanes
                    events:
                      - {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Hot}}
                      - {at: 1s, entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Hot}}
                      - {at: 1s, entity: Account, change: update, ids: [001000000000002AAA], changed: {Rating: Hot}}
                    answers: {hook: [{status: 503, headers: {Retry-After: "60"}}]}
                    expect:
                      deliveries:
                        - {state: delivered, attempts: 2, at: 0s}
                        - {state: delivered, attempts: 1}
                        - {state: delivered, attempts: 1, at: 1s}

                """)
        let report = try await folder.run()
        #expect(report.verdict == .passed, "\(report.text)")
    }
}
