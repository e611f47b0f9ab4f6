import Testing

@testable import RuleTests

/// What `conform` makes of a delivery to FlowMate, as the relay would.
@Suite struct ConformTests {
    private func run(conform: String, takes: String, expect: String) async throws -> TestReport {
        let folder = try TestFolder([
            "rules.yaml": """
                sluice: 1
                destinations:
                  flowmate: {kind: flowmate, baseUrl: "https://flowmate.example"}
                rules:
                  - id: one
                    match: {entity: Contact, change: [update], ignore: {}}
                    to:
                      destination: flowmate
                      flow: 6762e154616e91cb8d8b1aaf
                      conform: \(conform)
                      data: {email: "${record.?Email}", city: Ghent}

                """,
            "rules.test.yaml": """
                sluice: 1
                given: {flows: {anybody: [{id: 6762e154616e91cb8d8b1aaf, inputParameters: \(takes)}]}}
                tests:
                  - name: x
                    event: {entity: Contact, change: update, ids: [003000000000001AAA], changed: {Email: null}}
                    expect: {deliveries: [\(expect)]}

                """,
        ])
        return try await folder.run()
    }

    @Test func `what does not fit is held, and said so`() async throws {
        let held = try await run(
            conform: "strict", takes: "{email: string}", expect: "{rule: one, state: pending, attempts: 0}")
        #expect(held.verdict == .passed, "\(held.text)")
        let expectedOtherwise = try await run(
            conform: "strict", takes: "{email: string}", expect: "{rule: one, body: {data: {email: null}}}")
        #expect(
            expectedOtherwise.failures.first?.details.first == """
                state: expected a request, got pending; 'email' is null; list it under nullable if it may be; it goes on by \
                itself once the flow or the rule is mended
                """)
    }

    @Test(arguments: [
        ("{nullable: [email]}", "{email: string}", "{email: null}"),
        ("{nullable: [email], extraKeys: pass}", "{email: string}", "{email: null, city: Ghent}"),
        ("{nullable: [email]}", "{email: string, city: string}", "{email: null, city: Ghent}"),
        ("off", "{email: string}", "{email: null, city: Ghent}"), ("warn", "{email: string}", "{email: null}"),
        ("strict", "{}", "{email: null, city: Ghent}"),
    ])
    func `the request is that of the relay`(conform: String, takes: String, data: String) async throws {
        let report = try await run(conform: conform, takes: takes, expect: "{body: {data: \(data)}, state: delivered}")
        #expect(report.verdict == .passed, "\(report.text)")
    }
}
