import Documents
import Events
import Rules

/// Runs files of rule tests against the rule sets that they belong to.
package struct RuleTester {
    package struct Options: Sendable {
        /// The folder of the rule set; nil: the folder that was given, or that of the test file.
        package var rules: String?
        /// Only tests whose name, or whose suite's name, holds this.
        package var filter: String?
        /// Percent of the branches that tests must take.
        package var coverage: Double?
        /// Rewrites the expected deliveries of failing tests.
        package var updates = false
        package var knownOrgs: [String]?

        package init() {}
    }

    let options: Options

    package init(options: Options = Options()) { self.options = options }

    /// - Parameter paths: folders (with the tests in them) and test files.
    /// - Throws: `RuleFolderError` or `TestFileError` if a folder or file cannot be read.
    package func run(paths: [String]) async throws -> TestReport {
        var report = TestReport(demandedCoverage: options.coverage)
        for folder in try TestFiles.find(paths, rules: options.rules) { try await run(folder, &report) }
        return report
    }

    private func run(_ folder: TestFiles.Folder, _ report: inout TestReport) async throws {
        let lint = try Lint.check(paths: [folder.rules], options: Lint.Options(knownOrgs: options.knownOrgs))
        guard let rules = lint.ruleSet else {
            report.findings += lint.findings.filter { $0.severity == .error }
            return
        }
        var taken: Set<String> = []
        for file in folder.tests {
            let findings = FindingList()
            let suite = SuiteReader(path: file, folder: TestFiles.folder(of: file), findings: findings)
                .read(try TestFiles.bytes(file))
            guard let suite, let selected = select(rules, suite, folder, findings),
                Self.knowsRules(of: suite, selected, findings)
            else {
                report.findings += findings.sorted()
                continue
            }
            if options.coverage != nil {
                // A rule counts once, however many suites test it.
                let sites = selected.branchSites.filter { suite.ruleFiles.isEmpty || !taken.contains($0.rule) }
                report.coverage.add(sites)
                taken.formUnion(selected.ruleIDs)
            }
            try await run(suite, selected, &report)
        }
    }

    /// Only the rules of the files that the suite names.
    private func select(
        _ rules: RuleSet, _ suite: TestSuite, _ folder: TestFiles.Folder, _ findings: FindingList
    ) -> RuleSet? {
        guard !suite.ruleFiles.isEmpty else { return rules }
        let known = Set(rules.ruleLocations.map(\.location.path))
        let place = TestFiles.relative(TestFiles.folder(of: suite.path), to: folder.rules)
        var files: Set<String> = []
        for node in suite.ruleFiles {
            let name = node.scalar?.text ?? ""
            let candidates = [place.isEmpty ? name : "\(place)/\(name)", name]
            if let file = candidates.first(where: known.contains) {
                files.insert(file)
            } else {
                findings.report(
                    .badValue, at: node, "no file '\(name.shortened)' with rules is in the set",
                    hint: Suggestion.hint(for: name, in: known) ?? "names are relative to the test file")
            }
        }
        return findings.hasErrors ? nil : rules.keepingRules { files.contains($0) }
    }

    /// A rule that does not exist has no outcome, and so would always be false.
    private static func knowsRules(of suite: TestSuite, _ rules: RuleSet, _ findings: FindingList) -> Bool {
        let known = Set(rules.ruleIDs)
        for entry in suite.tests.flatMap({ $0.expectation["outcomes"]?.entries ?? [] }) where !known.contains(entry.key) {
            findings.report(
                .badValue, at: entry, "no rule '\(entry.key.shortened)' is among those that are tested",
                hint: Suggestion.hint(for: entry.key, in: known.sorted()))
        }
        return !findings.hasErrors
    }

    // MARK: Tests

    private func run(_ suite: TestSuite, _ rules: RuleSet, _ report: inout TestReport) async throws {
        report.suites += 1
        var writer = ExpectationWriter(suite)
        for test in suite.tests where isSelected(test, suite) {
            report.tests += 1
            let failures = try await run(test, suite, rules, &report, &writer)
            report.failures += failures
            if !failures.isEmpty { report.failed += 1 }
        }
        guard options.updates, let text = writer.updated else { return }
        try TestFiles.write(text, to: suite.path)
        report.updated.append((suite.path, writer.count))
    }

    /// What the rule made of the event that it came closest to taking.
    private static func explanation(
        of rule: String, _ rules: RuleSet, _ seen: [(event: Event, now: Int64, facts: RoutingFacts)]
    ) -> [String] {
        let all = seen.compactMap { rules.explain($0.event, now: $0.now, facts: $0.facts, only: [rule]).first }
        let closest = all.max { left, right in
            left.heldFirst < right.heldFirst
        }
        return closest.map(ExplanationText.lines) ?? ["there is no rule '\(rule)' among those that are tested"]
    }

    private func isSelected(_ test: TestCase, _ suite: TestSuite) -> Bool {
        guard let filter = options.filter?.lowercased() else { return true }
        return test.name.lowercased().contains(filter) || suite.name.lowercased().contains(filter)
    }

    private func run(
        _ test: TestCase, _ suite: TestSuite, _ rules: RuleSet, _ report: inout TestReport,
        _ writer: inout ExpectationWriter
    ) async throws -> [TestFailure] {
        var seen: [(event: Event, now: Int64, facts: RoutingFacts)] = []
        let rehearsal = Rehearsal(test, rules: rules, secrets: suite.secrets) { seen.append(($0, $1, $2)) }
        let result: Rehearsal.Result
        do {
            result = try await rehearsal.play()
        } catch let problem as FieldTyping.Problem {
            let findings = FindingList()
            findings.report(.badValue, at: problem.node, problem.message, hint: problem.hint)
            report.findings += findings.sorted()
            return []
        } catch {
            return [
                TestFailure(
                    suite: suite.name, test: test.name, location: test.location,
                    message: "a destination cannot be called", details: ["\(error)"])
            ]
        }
        if options.coverage != nil {
            for (event, now, facts) in seen { rules.cover(event, now: now, facts: facts, in: &report.coverage) }
        }
        var judge = TestJudge(suite: suite.name, test: test, result: result) { rule in
            Self.explanation(of: rule, rules, seen)
        }
        judge.judge()
        if judge.deliveriesDiffer { writer.note(test, result.deliveries) }
        return judge.failures
    }
}
