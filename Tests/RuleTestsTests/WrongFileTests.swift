import Testing

@testable import RuleTests

@Suite struct WrongFileTests {
    private func findings(_ tests: String) async throws -> [String] {
        let folder = try TestFolder.accounts(tests: tests)
        let report = try await folder.run()
        #expect(report.verdict == .badInput)
        return report.findings.map { finding in
            String(finding.text.replacing(folder.path + "/", with: "").prefix { $0 != "\n" })
        }
    }

    @Test func `an unknown key is found where it stands`() async throws {
        let found = try await findings(
            "  - name: x\n    evnt: {}\n    expect: {}\n")
        #expect(found == ["rules.test.yaml:5:5: error[unknown-key]: 'evnt' is not a key of a test"])
    }

    @Test func `values that no event can have are refused`() async throws {
        for (event, message) in [
            ("{entity: Account, change: update, changed: {A: 1}}", "a change event needs 'ids'"),
            ("{entity: Account, ids: [a]}", "a change event needs 'change'"),
            ("{ids: [a]}", "an event needs 'entity', 'event' or 'fixture'"),
            ("{entity: Account, change: create, ids: [a], changed: {A: 1}}", "'changed' is only for updates"),
            ("{entity: Account, change: gap_update, ids: [a], record: {A: 1}}", "a gap event carries no fields"),
            ("{event: A__e, ids: [a]}", "'ids' is only for change events"),
            ("{entity: Account, change: update, ids: [a], time: now}", "'now' is not a time"),
            ("{fixture: none.json}", "cannot read "),
        ] {
            let found = try await findings("  - name: x\n    event: \(event)\n    expect: {}\n")
            #expect(found.count == 1 && found[0].contains("error[bad-value]: \(message)"), "\(event): \(found)")
        }
    }

    @Test func `a test that expects nothing, or names a rule that does not exist, would always pass`() async throws {
        let event = "    event: {entity: Account, change: delete, ids: [001000000000001AAA]}\n"
        let empty = try await findings("  - name: x\n\(event)    expect: {}\n")
        #expect(empty.count == 1 && empty[0].hasPrefix("rules.test.yaml:6:13: error[bad-value]: 'expect' expects nothing"))
        let misspelt = try await findings("  - name: x\n\(event)    expect: {outcomes: {hot-acount: \"false\"}}\n")
        #expect(misspelt == [
            "rules.test.yaml:6:25: error[bad-value]: no rule 'hot-acount' is among those that are tested"
        ])
    }

    @Test func `a broken rule set runs no test`() async throws {
        let folder = try TestFolder.accounts(
            when: "record.Rating = 'Hot'", tests: "  - name: x\n    event: {event: A__e}\n    expect: {}\n")
        let report = try await folder.run()
        #expect(report.verdict == .badInput)
        #expect(report.tests == 0)
        #expect(report.findings.count == 1)
    }

    @Test func `a file that no rule stands in cannot be chosen`() async throws {
        let folder = try TestFolder.accounts(tests: "  - name: x\n    event: {event: A__e}\n    expect: {}\n")
        try folder.write(
            "sluice: 1\nrules: [ruels.yaml]\ntests:\n  - name: x\n    event: {event: A__e}\n    expect: {matched: []}\n",
            to: "rules.test.yaml")
        let report = try await folder.run()
        #expect(report.findings.first?.message == "no file 'ruels.yaml' with rules is in the set")
        #expect(report.findings.first?.hint == "did you mean 'rules.yaml'?")
    }
}
