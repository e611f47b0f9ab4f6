import CEL
import Documents

/// Reads and judges one expression by itself: syntax, names, types, patterns, the org's fields, habits, cost. What
/// needs the rule around it is `RuleMeaning`'s.
struct ExpressionReading {
    let source: ExpressionText
    let place: ExpressionPlace
    let scope: ExpressionScope
    let reporter: DiagnosisReporter

    /// - Returns: nil if something is wrong with it; findings say what.
    func read() -> (tree: CELSyntaxTree, check: CELCheck)? {
        var parser = MendingParser(source.text)
        let tree = parser.parse(RuleNames.syntax)
        for diagnosis in parser.diagnoses { reporter.report(diagnosis) }
        guard let tree else { return nil }
        let check = CELCheck(tree, in: environment)
        let diagnoses = unavailable(tree.root) ?? judge(tree, check)
        for diagnosis in diagnoses { reporter.report(parser.original(diagnosis)) }
        let hasErrors = diagnoses.contains { $0.severity == .error }
        return hasErrors || !parser.diagnoses.isEmpty ? nil : (tree, check)
    }

    var environment: CELEnvironment { RuleNames.environment(scope.names, costLimit: place.costLimit) }

    /// Names that exist, but not here: each is said once, and nothing else about the expression.
    private func unavailable(_ root: CELExpression) -> [Diagnosis]? {
        var found: [String: Diagnosis] = [:]
        FreeNames.visit(root) { name, range in
            guard found[name] == nil, let refusal = scope.refusal(of: name) else { return }
            found[name] = Diagnosis(.notAvailable, at: range, refusal.message, hint: refusal.hint)
        }
        OneEvent.visit(root, lets: scope.eventLets) { part, range in
            // Those are said already.
            if case .variable = part { return }
            guard let refusal = scope.refusal(of: part), found[refusal.message] == nil else { return }
            found[refusal.message] = Diagnosis(.notAvailable, at: range, refusal.message, hint: refusal.hint)
        }
        return found.isEmpty ? nil : found.values.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    private func judge(_ tree: CELSyntaxTree, _ check: CELCheck) -> [Diagnosis] {
        let root = tree.root
        var found = CheckDiagnosis(tree, check, names).diagnoses + LiteralNeeds.diagnoses(in: root)
        found += RegexDiagnosis.diagnoses(in: root) + SchemaChecks(entities: scope.entities).diagnoses(in: root)
        if found.isEmpty, place.isCondition, check.type != .bool, check.type != .dyn {
            found.append(
                Diagnosis(
                    .notBoolean, at: root.range, "\(place.name) must be bool, this is \(check.type)",
                    hint: CheckDiagnosis.comparison))
        }
        if found.isEmpty { found += FixedParts(place: place).diagnoses(in: root) }
        found += TypeMismatch(check: check).diagnoses(in: root)
        found += ExpressionHabits(root: root, isCondition: place.isCondition).diagnoses
        if !found.contains(where: { $0.severity == .error }) {
            let estimate = CostEstimate(root, batchLimit: scope.batchLimit)
            found += estimate.diagnosis(limit: place.costLimit, at: root.range).map { [$0] } ?? []
        }
        return found
    }

    private var names: ExpressionNames {
        let scope = scope
        return ExpressionNames(
            variables: RuleNames.Variable.allCases.map(\.name).filter { scope.refusal(of: $0) == nil },
            members: { object in
                switch object {
                case "vars": scope.names.vars.keys.sorted()
                case "let": scope.names.lets.keys.sorted()
                default: RuleNames.members(of: object)?.map(\.name) ?? []
                }
            }, functions: Self.functions, laterLets: scope.laterLets)
    }

    /// Names of functions and macros, in an order that does not change.
    private static let functions: [String] =
        (RuleNames.environment().functionNames
        + [
            "has", "all", "exists", "exists_one", "map", "filter", "transformList", "transformMap", "optMap",
            "optFlatMap",
        ])
        .filter { $0.unicodeScalars.allSatisfy { $0.isWord || $0 == "." } }.sorted()
}
