import Testing

@testable import RuleTests

@Suite struct CoverageTests {
    @Test func `sides of an alternative that nobody took are named`() async throws {
        let folder = try TestFolder.accounts(
            when: "record.?Rating.orDefault('') == 'Hot' || record.?Industry.orDefault('') == 'Mining'",
            tests: """
                  - name: hot
                    event: {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Hot}}
                    expect: {matched: [hot-account]}
                  - name: cold
                    event: {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Cold}}
                    expect: {matched: []}

                """)
        var options = RuleTester.Options()
        options.coverage = 90
        let report = try await folder.run(options)
        #expect(
            folder.text(report) == """
                rules.yaml:8:48: not covered: 'record.?Industry.orDefault('') == 'Mining'' is never true
                1 suite, 2 tests: 2 passed, 0 failed; coverage 83.3 % (5 of 6 ways), less than 90 %

                """)
        #expect(report.verdict == .failed)
        options.coverage = 80
        #expect(try await folder.run(options).verdict == .passed)
    }

    @Test func `a rule without any test is not covered at all`() async throws {
        let folder = try TestFolder.accounts(
            tests: "  - name: x\n    event: {event: A__e}\n    expect: {matched: []}\n")
        var options = RuleTester.Options()
        options.coverage = 100
        let report = try await folder.run(options)
        #expect(folder.text(report).contains("not covered: rule 'hot-account' is never seen matching\n"))
        #expect(report.coverage.taken == 1)
    }
}
