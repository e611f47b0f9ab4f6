import Documents
import Events
import Rules

/// What a run of rule tests came to.
package struct TestReport: Sendable {
    package internal(set) var suites = 0
    package internal(set) var tests = 0
    /// Tests with at least one failure.
    package internal(set) var failed = 0
    package internal(set) var failures: [TestFailure] = []
    /// Of rule files and test files that are wrong: their tests were not run.
    package internal(set) var findings: [Finding] = []
    package internal(set) var coverage = BranchCoverage()
    /// Files that were rewritten, with how many tests in each.
    package internal(set) var updated: [(path: String, tests: Int)] = []
    private let demandedCoverage: Double?

    init(demandedCoverage: Double? = nil) { self.demandedCoverage = demandedCoverage }

    package enum Verdict: Int32, Sendable { case passed = 0, failed = 1, badInput = 2 }

    package var verdict: Verdict {
        if findings.contains(where: { $0.severity == .error }) { return .badInput }
        return failures.isEmpty && !isUncovered ? .passed : .failed
    }

    private var isUncovered: Bool { demandedCoverage.map { coverage.percent < $0 } ?? false }

    /// Each line ended by a newline; the last one sums up.
    package var text: String {
        var text = findings.map(\.text).joined() + failures.map(\.text).joined()
        if demandedCoverage != nil {
            for (site, way) in coverage.missing { text += Self.line(site, way) + "\n" }
        }
        for (path, count) in updated {
            text += "\(path): expected deliveries of \(Self.count(count, "test")) rewritten\n"
        }
        return text + summary + "\n"
    }

    private static func line(_ site: BranchSite, _ way: Bool) -> String {
        switch site.kind {
        case .rule:
            "\(site.location): not covered: rule '\(site.text)' is never seen \(way ? "matching" : "not matching")"
        case .conditional, .alternative: "\(site.location): not covered: '\(site.text)' is never \(way)"
        }
    }

    private var summary: String {
        var summary =
            "\(Self.count(suites, "suite")), \(Self.count(tests, "test")): \(tests - failed) passed, \(failed) failed"
        let errors = findings.count { $0.severity == .error }
        if errors > 0 { summary += ", \(Self.count(errors, "error")) in files" }
        if let demandedCoverage {
            summary += "; coverage \(Self.percent(coverage.percent)) % (\(coverage.taken) of \(coverage.total) ways)"
            if isUncovered { summary += ", less than \(Self.percent(demandedCoverage)) %" }
        }
        return summary
    }

    private static func count(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }

    /// One digit after the point, rounded down: 99.96 is not all.
    private static func percent(_ value: Double) -> String {
        let tenths = Int(value * 10)
        return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(tenths % 10)"
    }

    /// `{"suites":1,"tests":2,"passed":1,"failed":1,"failures":[…],"findings":[…]}`, with `coverage` if somebody asked.
    package var json: String {
        var json = JSONText()
        json.raw(#"{"suites":"#)
        json.int(Int64(suites))
        json.raw(#","tests":"#)
        json.int(Int64(tests))
        json.raw(#","passed":"#)
        json.int(Int64(tests - failed))
        json.raw(#","failed":"#)
        json.int(Int64(failed))
        json.raw(#","failures":["#)
        for (index, failure) in failures.enumerated() {
            if index > 0 { json.raw(",") }
            failure.appendJSON(to: &json)
        }
        json.raw(#"],"findings":["#)
        for (index, finding) in findings.enumerated() {
            if index > 0 { json.raw(",") }
            finding.appendJSON(to: &json)
        }
        json.raw("]")
        if demandedCoverage != nil { appendCoverage(to: &json) }
        if !updated.isEmpty {
            json.raw(#","updated":"#)
            json.value(.list(updated.map { .string($0.path) }))
        }
        json.raw("}")
        return json.string
    }

    private func appendCoverage(to json: inout JSONText) {
        let missing = coverage.missing.map { site, way in
            Value.record([
                "rule": .string(site.rule), "kind": .string(site.kind.rawValue), "file": .string(site.location.path),
                "line": .int(Int64(site.location.position.line)), "column": .int(Int64(site.location.position.column)),
                "text": .string(site.text), "never": .bool(way),
            ])
        }
        json.raw(#","coverage":"#)
        json.value(
            .record([
                "percent": .double(coverage.percent), "taken": .int(Int64(coverage.taken)),
                "total": .int(Int64(coverage.total)), "missing": .list(missing),
            ]))
    }
}
