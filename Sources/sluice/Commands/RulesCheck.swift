import Relay
import Rules

/// The rules, as far as they can be read: what does not depend on them is checked all the same.
struct RulesCheck {
    let result: CheckResult
    /// Nil if there is an error.
    var ruleSet: RuleSet?
    /// By name.
    var destinations: [Destination] = []
    /// All findings, for people.
    var text = ""
    /// How the command ends without a rule set.
    var failure = CommandFailure.Code.badInput

    init(_ loaded: Loaded) {
        let report: LintReport
        do throws(RuleFolderError) {
            report = try loaded.lint()
        } catch {
            result = CheckResult(.failure, "rules", "\(error)")
            failure = CommandFailure(error).code
            return
        }
        text = report.text
        ruleSet = report.ruleSet
        destinations = report.destinations.values.sorted { $0.name < $1.name }
        if let first = report.findings.first(where: { $0.severity == .error }) {
            result = CheckResult(
                .failure, "rules",
                "\(loaded.configuration.rulesPath) has \(report.errorsInWords), first \(first.location): \(first.message)",
                advice: "`sluice rules lint` shows each with its line. Until then the flows that rules name are not checked.")
        } else {
            let count = report.ruleSet?.ruleIDs.count ?? 0
            result = CheckResult(
                .ok, "rules", "\(counted(count, "rule")), \(counted(destinations.count, "destination"))")
        }
    }
}
