import CEL
import Documents

/// Which names the expressions of one part of a rule may use.
struct ExpressionScope {
    var names = RuleNames.Scope()
    /// The rule takes platform events: there is no header and no record ID.
    var isPlatform = false
    /// One delivery for many events: names that belong to one event mean nothing.
    var isCoalesced = false
    /// It is computed from each event before it is gathered: there is no batch yet.
    var isGathered = false
    /// `flow` means something.
    var isFanOut = false
    /// Events of one batch at most.
    var batchLimit = 1
    /// Names under `let` that an expression may not use yet: its own, and those below.
    var laterLets: Set<String> = []
    /// Names under `let` that say something of one event.
    var eventLets: Set<String> = []
    /// The rule's objects, as far as a snapshot of the org knows them.
    var entities: [EntitySchema] = []

    /// Why a name that exists cannot be used here; nil if it can.
    func refusal(of variable: String) -> (message: String, hint: String?)? {
        switch variable {
        case _ where isCoalesced && OneEvent.variables.contains(variable): refusal(of: .variable(variable))
        case "batch" where isGathered:
            ("'batch' cannot be used here: this is computed from each event, before it is gathered", nil)
        case "header" where isPlatform, "recordId" where isPlatform:
            ("'\(variable)' is only for change events", "platform events have 'event' and 'record'")
        case "flow" where !isFanOut: ("'flow' is only for 'fanOut'", nil)
        default: nil
        }
    }

    /// Why what belongs to one event cannot be used in a body for many: it would silently be the last one's.
    func refusal(of part: OneEvent.Part) -> (message: String, hint: String?)? {
        guard isCoalesced else { return nil }
        return switch part {
        case .variable("event"):
            ("'event' cannot be used in a coalesced delivery", "use batch.firstCommit, batch.changes or batch.events")
        case .variable(let name): ("'\(name)' cannot be used in a coalesced delivery", "use batch.recordIds")
        case .function(let name):
            (
                "'\(name)' cannot be used in a coalesced delivery: it asks about one event",
                "ask in 'when', or use batch.events with 'keep: records'"
            )
        case .letName(let name):
            (
                "'let.\(name)' cannot be used in a coalesced delivery: it is computed from one event",
                "use batch.events, with 'keep: records' if it needs fields"
            )
        }
    }
}

/// Text of an expression → `RuleExpression`, or findings at the exact columns.
struct ExpressionCompiler {
    var scope: ExpressionScope
    let file: SourceText
    let findings: FindingList
    let uses: ExpressionUses

    func compile(_ source: ExpressionText, _ place: ExpressionPlace) -> RuleExpression? {
        let reporter = DiagnosisReporter(text: source, source: file, findings: findings)
        guard !source.text.unicodeScalars.allSatisfy(\.isBlankOrBreak) else {
            report(.syntax, source, "an expression is expected here")
            return nil
        }
        let reading = ExpressionReading(source: source, place: place, scope: scope, reporter: reporter)
        guard let (tree, check) = reading.read() else { return nil }
        do throws(CELError) {
            let program = try CELProgram(tree, in: reading.environment)
            uses.add(source, place, tree, check)
            return RuleExpression(source, place, tree: tree, program: program, type: check.type)
        } catch {
            let code: FindingCode = error.kind == .unsupported ? .syntax : .wrongArgument
            reporter.report(Diagnosis(code, at: error.range ?? tree.root.range, error.message))
            return nil
        }
    }

    func report(
        _ code: FindingCode, _ source: ExpressionText, _ message: String, hint: String? = nil
    ) {
        findings.report(
            code, .error, in: file, at: source.position(at: 0),
            length: source.length(of: 0..<source.text.unicodeScalars.count), message, hint: hint)
    }
}

/// The identifiers of an expression that no macro binds.
enum FreeNames {
    static func visit(_ expression: CELExpression, _ body: (String, Range<Int>) -> Void) {
        walk(expression) { part, bound in
            if let name = free(part, bound) { body(name, part.range) }
            return true
        }
    }

    /// Its name, if this is an identifier that no macro binds.
    static func free(_ expression: CELExpression, _ bound: Set<String>) -> String? {
        guard case .identifier(let name, let isRooted) = expression.kind, isRooted || !bound.contains(name) else { return nil }
        return name
    }

    /// Every part of an expression, with the names that macros bind there.
    ///
    /// - Parameter body: returns whether the parts of this one are walked as well.
    static func walk(
        _ expression: CELExpression, bound: Set<String> = [], _ body: (CELExpression, Set<String>) -> Bool
    ) {
        guard body(expression, bound) else { return }
        guard case .macro(let macro) = expression.kind else {
            for child in expression.children { walk(child, bound: bound, body) }
            return
        }
        walk(macro.range, bound: bound, body)
        let inner = bound.union(macro.variables.map(\.text))
        for part in [macro.condition, macro.result].compactMap({ $0 }) { walk(part, bound: inner, body) }
    }
}

/// Every expression of one rule with what checking found out, for the checks that look at the rule as a whole. Dropped
/// when the file is decoded.
final class ExpressionUses {
    struct Use {
        var source: ExpressionText
        var place: ExpressionPlace
        var tree: CELSyntaxTree
        var check: CELCheck
    }

    private(set) var uses: [Use] = []

    func add(_ source: ExpressionText, _ place: ExpressionPlace, _ tree: CELSyntaxTree, _ check: CELCheck) {
        uses.append(Use(source: source, place: place, tree: tree, check: check))
    }

    /// The members of `vars` or `let` that any expression names.
    func members(of variable: String) -> Set<String> {
        var names: Set<String> = []
        for use in uses { Self.collect(variable, use.tree.root, &names) }
        return names
    }

    private static func collect(_ variable: String, _ expression: CELExpression, _ names: inout Set<String>) {
        if case .select(let operand, let name, _) = expression.kind, operand.qualifiedName == variable {
            names.insert(name.text)
        }
        for child in expression.children { collect(variable, child, &names) }
    }
}
