import Documents
import Events

/// Everything a check found, and the set to run if there was no error among it.
package struct LintReport: Sendable {
    /// By file, line and column.
    package let findings: [Finding]
    /// Nil when there is an error: a set loads whole or not at all.
    package let ruleSet: RuleSet?
    package let fileCount: Int
    /// Those that could be read, by name: also of a set with an error elsewhere.
    package let destinations: [String: Destination]
    /// Of a file that is wrong in very many places, only the first ones are among `findings`.
    package var unshown = FindingList.Unshown()

    package var errorCount: Int { findings.count { $0.severity == .error } + unshown.errors }
    package var warningCount: Int { findings.count { $0.severity == .warning } + unshown.warnings }
    /// `213 errors (13 of them are not shown)`
    package var errorsInWords: String { Self.inWords(errorCount, "error", unshown: unshown.errors) }
    package var warningsInWords: String { Self.inWords(warningCount, "warning", unshown: unshown.warnings) }

    private static func inWords(_ count: Int, _ word: String, unshown: Int) -> String {
        let counted = "\(count) \(count == 1 ? word : word + "s")"
        guard unshown > 0 else { return counted }
        return "\(counted) (\(unshown) of them \(unshown == 1 ? "is" : "are") not shown)"
    }

    /// Findings that `--fix` can mend.
    package var fixableCount: Int { findings.count { $0.fix != nil } }

    /// All findings as text, each ended by a newline; empty when there are none.
    package var text: String { findings.map(\.text).joined() }

    /// `{"files":2,"errors":1,"warnings":0,"findings":[...]}`
    package var json: String {
        var json = JSONText()
        json.raw(#"{"files":"#)
        json.int(Int64(fileCount))
        json.raw(#","errors":"#)
        json.int(Int64(errorCount))
        json.raw(#","warnings":"#)
        json.int(Int64(warningCount))
        json.raw(#","findings":["#)
        for (index, finding) in findings.enumerated() {
            if index > 0 { json.raw(",") }
            finding.appendJSON(to: &json)
        }
        json.raw("]}")
        return json.string
    }

    /// Workflow commands of GitHub Actions, a line each.
    ///
    /// - Parameter file: a finding's path → the path from the root of the repository.
    package func github(_ file: (String) -> String = { $0 }) -> String {
        findings.map { $0.githubAnnotation(file: file($0.location.path)) + "\n" }.joined()
    }

    /// Whether a check with these findings fails.
    ///
    /// - Parameter strict: warnings count like errors.
    package func fails(strict: Bool) -> Bool { errorCount > 0 || (strict && warningCount > 0) }
}
