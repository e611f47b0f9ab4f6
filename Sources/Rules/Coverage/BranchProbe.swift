import CEL
import Documents
import Events

/// Evaluates the parts of a rule's expressions that can go either way, each for itself. For coverage only: the router
/// does not stop at them.
struct BranchProbe {
    let rule: Rule

    /// Every `? :` and every side of an `||`, in the rule's conditions, `let`s, bodies and texts.
    var sites: [BranchSite] {
        expressions.flatMap { expression in
            Self.tree(expression).map { sites($0.root, expression) } ?? []
        }
    }

    /// - Parameter evaluation: turned to this rule.
    func probe(_ evaluation: Evaluation, into coverage: inout BranchCoverage) {
        for expression in expressions {
            guard let tree = Self.tree(expression) else { continue }
            probe(tree.root, expression, evaluation, &coverage)
        }
    }

    private static func tree(_ expression: RuleExpression) -> CELSyntaxTree? {
        if let tree = expression.tree { return tree }
        return try? CELSyntaxTree(parsing: expression.source.text, options: RuleNames.syntax)
    }

    private func site(_ kind: BranchSite.Kind, _ part: CELExpression, _ expression: RuleExpression) -> BranchSite {
        let scalars = Array(expression.source.text.unicodeScalars)[part.range]
        return BranchSite(
            rule: rule.id, kind: kind, location: expression.source.location(at: part.range.lowerBound),
            text: String(scalars: scalars).shortened)
    }

    private func sites(_ part: CELExpression, _ expression: RuleExpression) -> [BranchSite] {
        switch part.kind {
        // What a macro binds has no value outside of it.
        case .macro(let macro): return sites(macro.range, expression)
        case .or(let sides):
            return sides.flatMap { [site(.alternative, $0, expression)] + sites($0, expression) }
        case .conditional(let condition, let then, let otherwise):
            return [site(.conditional, condition, expression)]
                + [condition, then, otherwise].flatMap { sites($0, expression) }
        default: return part.children.flatMap { sites($0, expression) }
        }
    }

    private func probe(
        _ part: CELExpression, _ expression: RuleExpression, _ evaluation: Evaluation,
        _ coverage: inout BranchCoverage
    ) {
        switch part.kind {
        case .macro(let macro): probe(macro.range, expression, evaluation, &coverage)
        case .or(let sides):
            for side in sides {
                if let way = outcome(side, evaluation) { coverage.saw(site(.alternative, side, expression), way) }
                probe(side, expression, evaluation, &coverage)
            }
        case .conditional(let condition, let then, let otherwise):
            probe(condition, expression, evaluation, &coverage)
            guard let way = outcome(condition, evaluation) else { return }
            coverage.saw(site(.conditional, condition, expression), way)
            probe(way ? then : otherwise, expression, evaluation, &coverage)
        default: for child in part.children { probe(child, expression, evaluation, &coverage) }
        }
    }

    /// Nil when it is neither: unknown, or a fault.
    private func outcome(_ part: CELExpression, _ evaluation: Evaluation) -> Bool? {
        guard let program = try? CELProgram(part, in: RuleNames.environment()) else { return nil }
        switch program.condition(evaluation.frame) {
        case .isTrue: return true
        case .isFalse: return false
        case .unknown, .fault: return nil
        }
    }

    // MARK: Expressions

    private var expressions: [RuleExpression] {
        rule.lets.map(\.expression) + [rule.when].compactMap { $0 } + rule.deliveries.flatMap(expressions)
    }

    private func expressions(_ delivery: DeliverySpec) -> [RuleExpression] {
        let found = [delivery.when].compactMap { $0 } + Rule.expressions(delivery.lane)
            + Rule.expressions(delivery.coalesce?.key)
        // What sees a batch or a flow is not probed: there is none while one event is looked at.
        guard delivery.coalesce?.mode != .batch else { return found }
        if case .flow(let flow) = delivery.target, case .fanOut(let fanOut) = flow.address {
            return found + Rule.expressions(fanOut.user)
        }
        return found + delivery.target.expressions
    }
}
