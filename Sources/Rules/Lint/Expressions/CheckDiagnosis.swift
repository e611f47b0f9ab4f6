import CEL
import Documents

/// What the checker found, in the words of rules.
struct CheckDiagnosis {
    let tree: CELSyntaxTree
    let check: CELCheck
    let names: ExpressionNames
    init(_ tree: CELSyntaxTree, _ check: CELCheck, _ names: ExpressionNames) {
        self.tree = tree
        self.check = check
        self.names = names
    }

    /// One per cause: an issue about a name that should have been a literal is left to `LiteralNeeds`.
    var diagnoses: [Diagnosis] {
        guard !check.issues.isEmpty else { return [] }
        let skipped = LiteralNeeds.ranges(in: tree.root) + QualifiedCalls.receivers(in: tree.root, names)
        return check.issues.compactMap { issue in
            let range = issue.range ?? tree.root.range
            // Fields of the record are held against the snapshot, dotted ones too.
            guard !issue.message.hasPrefix("record has no ") else { return nil }
            guard !skipped.contains(where: { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound })
            else { return nil }
            return diagnosis(issue, range)
        }
    }

    private func diagnosis(_ issue: CELError, _ range: Range<Int>) -> Diagnosis {
        switch issue.kind {
        case .undeclared: undeclared(issue, range)
        case .noSuchKey: unknownMember(issue, range)
        case .noSuchOverload: overload(issue, range)
        default: Diagnosis(.syntax, at: range, issue.message)
        }
    }

    private func text(_ range: Range<Int>) -> String {
        String(scalars: Array(tree.source.unicodeScalars)[clamped: range])
    }

    // MARK: Names

    private func undeclared(_ issue: CELError, _ range: Range<Int>) -> Diagnosis {
        let name = text(range)
        guard issue.message.hasPrefix("there is no function") else { return unknownName(name, range) }
        if let symbol = ["and": "&&", "or": "||", "not": "!"][name.lowercased()] {
            let isNot = symbol == "!"
            return Diagnosis(
                .wordOperator, at: range, "'\(name)' is not an operator", hint: "write \(symbol)",
                replacement: isNot ? symbol : nil)
        }
        if let call = QualifiedCalls.call(namedAt: range, in: tree.root, names) {
            return Diagnosis(
                .unknownFunction, at: call.range, "there is no function '\(call.name.shortened)'",
                hint: Suggestion.hint(for: call.name, in: names.functions),
                replacement: Suggestion.only(to: call.name, in: names.functions))
        }
        let foreign = ExpressionNames.foreignFunction(name)
        return Diagnosis(
            .unknownFunction, at: range, "there is no function '\(name.shortened)'",
            hint: foreign ?? Suggestion.hint(for: name, in: names.functions),
            replacement: foreign == nil ? Suggestion.only(to: name, in: names.functions) : nil)
    }

    private func unknownName(_ name: String, _ range: Range<Int>) -> Diagnosis {
        let message = "'\(name.shortened)' is not known here"
        if let word = ExpressionNames.foreignWords[name.lowercased()] {
            return Diagnosis(.unknownName, at: range, message, hint: "write \(word)", replacement: word)
        }
        if let meant = Suggestion.nearest(to: name, in: names.variables), !ExpressionNames.looksLikeField(name) {
            return Diagnosis(
                .unknownName, at: range, message, hint: "did you mean '\(meant)'?",
                replacement: Suggestion.only(to: name, in: names.variables))
        }
        let isField = ExpressionNames.looksLikeField(name)
        return Diagnosis(
            .unknownName, at: range, message,
            hint: isField
                ? "fields are written record.\(name.shortened)" : "text is written in quotes: '\(name.shortened)'",
            replacement: isField ? "record.\(name)" : nil)
    }

    private func unknownMember(_ issue: CELError, _ range: Range<Int>) -> Diagnosis {
        let name = text(range)
        let object = issue.message.firstRange(of: " has no ").map { String(issue.message[..<$0.lowerBound]) } ?? ""
        let members = names.members(object)
        if object == "let", names.laterLets.contains(name) {
            return Diagnosis(
                .unknownName, at: range, "'let.\(name.shortened)' is not defined yet here",
                hint: "move it up: each name may use those before it")
        }
        // Names that the operator chose may be as near to each other as `erp-1` and `erp-2`.
        let isChosen = object == "vars" || object == "let"
        return Diagnosis(
            .unknownName, at: range, "\(object) has no '\(name.shortened)'",
            hint: Suggestion.hint(for: name, in: members),
            replacement: isChosen ? nil : Suggestion.only(to: name, in: members))
    }

    // MARK: Arguments

    private func overload(_ issue: CELError, _ range: Range<Int>) -> Diagnosis {
        if issue.message.hasPrefix("a condition is a bool") {
            return Diagnosis(
                .notBoolean, at: range, "a condition must be bool, this is \(type(at: range))", hint: Self.comparison)
        }
        guard let node = node(at: range) else { return Diagnosis(.wrongArgument, at: range, issue.message) }
        switch node.kind {
        case .binary(let operation, let left, let right):
            return Operands(operation, left, right, check.types).diagnosis(at: range)
        case .call(let name, let receiver, let arguments):
            return CallArguments(check.types).diagnosis(name.text, receiver, arguments, at: range)
        case .unary(_, let operand):
            return Diagnosis(.wrongArgument, at: range, "cannot negate \(operand.typeWords(check.types))")
        default: return Diagnosis(.wrongArgument, at: range, issue.message)
        }
    }

    /// The operator or call that an issue about arguments points at.
    private func node(at range: Range<Int>) -> CELExpression? {
        var found: CELExpression?
        tree.root.forEachNode { node in
            guard node.range == range else { return }
            switch node.kind {
            case .binary, .call, .unary: found = node
            default: break
            }
        }
        return found
    }

    static let comparison = "compare it with something, as in record.Name == 'x'"

    private func type(at range: Range<Int>) -> String {
        var found = CELType.dyn
        tree.root.forEachNode { if $0.range == range { found = check.types[$0.id] ?? .dyn } }
        return found.description
    }
}

extension CELExpression {
    /// Its type, for messages.
    func typeWords(_ types: [Int: CELType]) -> String { "\(types[id] ?? .dyn)" }
}

extension CELExpression {
    func forEachNode(_ visit: (CELExpression) -> Void) {
        visit(self)
        for child in children { child.forEachNode(visit) }
    }
}

/// Calls such as `sf.id17(x)`: the prefix of functions that exist, and a name that does not.
enum QualifiedCalls {
    static func receivers(in root: CELExpression, _ names: ExpressionNames) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        root.forEachNode { node in
            if case .call(_, let receiver?, _) = node.kind, isPrefix(receiver, names) { ranges.append(receiver.range) }
        }
        return ranges
    }

    static func call(
        namedAt range: Range<Int>, in root: CELExpression, _ names: ExpressionNames
    ) -> (name: String, range: Range<Int>)? {
        var found: (name: String, range: Range<Int>)?
        root.forEachNode { node in
            guard case .call(let name, let receiver?, _) = node.kind, name.range == range,
                isPrefix(receiver, names), let prefix = receiver.qualifiedName
            else { return }
            found = ("\(prefix).\(name.text)", receiver.range.lowerBound..<name.range.upperBound)
        }
        return found
    }

    private static func isPrefix(_ receiver: CELExpression, _ names: ExpressionNames) -> Bool {
        guard let name = receiver.qualifiedName, !names.variables.contains(name) else { return false }
        return names.functions.contains { $0.hasPrefix(name + ".") }
    }
}
