import Testing

@testable import RuleTests

@Suite struct FailureTextTests {
    private let event =
        "    event: {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Hot}}\n"

    @Test func `the shortest path that differs is told, with the place of the expectation`() async throws {
        let folder = try TestFolder.accounts(
            tests: "  - name: a hot one\n" + event + """
                    expect:
                      deliveries:
                        - rule: hot-account
                          body:
                            id: 001000000000002AAA
                            rating: Cold

                """)
        let report = try await folder.run()
        #expect(
            folder.text(report) == """
                rules.test.yaml:10:17: failed[accounts / a hot one]: delivery 1 (hot-account → hook) is another one
                  body.id: expected "001000000000002AAA", got "001000000000001AAA"
                  and 1 more difference
                1 suite, 1 test: 0 passed, 1 failed

                """)
        #expect(report.verdict == .failed)
    }

    @Test func `a rule that should have matched says which clause is not true`() async throws {
        let folder = try TestFolder.accounts(
            when: "changed('Rating') && record.Rating == 'Hot' && record.Industry != 'Mining'",
            tests: """
                  - name: cold
                    event: {entity: Account, change: update, ids: [a], changed: {Rating: Cold}, record: {Industry: IT}}
                    expect: {matched: [hot-account]}
                  - name: unknown
                    event: {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Hot}}
                    expect: {matched: [hot-account]}
                  - name: deleted
                    event: {entity: Account, change: delete, ids: [001000000000001AAA]}
                    expect: {matched: [hot-account]}

                """)
        let lines = folder.text(try await folder.run()).split(separator: "\n").map(String.init)
        #expect(lines.filter { $0.hasPrefix("rules") } == [
            "rules.test.yaml:6:24: failed[accounts / cold]: rule 'hot-account' did not match",
            "rules.test.yaml:9:24: failed[accounts / unknown]: rule 'hot-account' did not match",
            "rules.test.yaml:12:24: failed[accounts / deleted]: rule 'hot-account' did not match",
        ])
        // The wording is that of `rules explain`.
        #expect(lines.contains("    ✗ when: record.Rating == 'Hot'"))
        #expect(lines.contains(#"        record.Rating = "Cold""#))
        #expect(lines.contains("    ? when: record.Industry != 'Mining'"))
        #expect(lines.contains("        record.Industry = absent"))
        #expect(lines.contains("    ✗ match.change: create, update"))
    }

    @Test func `a count that differs shows what came`() async throws {
        let folder = try TestFolder.accounts(
            tests: "  - name: none\n" + event + "    expect: {deliveries: []}\n")
        #expect(
            folder.text(try await folder.run()).hasPrefix(
                """
                rules.test.yaml:6:26: failed[accounts / none]: 0 deliveries expected, 1 came
                  1: hot-account → hook: POST https://hook.example.com/in {"id":"001000000000001AAA","rating":"Hot"}

                """))
    }

    @Test func `a request that cannot be built fails a test that does not expect it`() async throws {
        let folder = try TestFolder([
            "rules.yaml": """
                sluice: 1
                destinations:
                  hook: {kind: webhook, url: "https://hook.example.com/in"}
                rules:
                  - id: name-it
                    match: {entity: Account, change: [update]}
                    to: {destination: hook, body: {name: "${record.Name}"}}

                """,
            "a.test.yaml": """
                sluice: 1
                tests:
                  - name: without a name
                    event: {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Hot}}
                    expect: {matched: [name-it]}
                  - name: expected
                    event: {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Hot}}
                    expect: {matched: [name-it], failures: [{rule: name-it, reason: "'Name' is absent"}]}

                """,
        ])
        let report = try await folder.run()
        #expect(report.failures.count == 1)
        #expect(report.failures.first?.message == "a request of rule 'name-it' could not be built")
        #expect(report.failures.first?.details.first?.hasPrefix("rules.yaml:7:") == true)
    }

    @Test func `JSON carries the same`() async throws {
        let folder = try TestFolder.accounts(
            tests: "  - name: none\n" + event + "    expect: {matched: []}\n")
        let json = try await folder.run().json.replacing(folder.path + "/", with: "")
        #expect(
            json == #"{"suites":1,"tests":1,"passed":0,"failed":1,"failures":[{"file":"rules.test.yaml","line":6,"#
                + #""column":23,"suite":"accounts","test":"none","message":"rule 'hot-account' matched, and is not "#
                + #"expected to","details":[]}],"findings":[]}"#)
    }
}
