import CEL
import Events

/// Takes a condition apart, clause by clause, and shows what each looked at.
struct ClauseReader {
    /// Values shown of one clause, and characters of each.
    static let maximumValues = 12
    static let maximumText = 200

    let evaluation: Evaluation
    let environment = RuleNames.environment()

    /// The sides of a top-level `&&`, each for itself, in written order.
    func clauses(of expression: RuleExpression, key: String) -> [RuleExplanation.Clause] {
        guard let tree = expression.tree ?? (try? CELSyntaxTree(parsing: expression.source.text, options: RuleNames.syntax))
        else { return [] }
        let scalars = Array(expression.source.text.unicodeScalars)
        let parts = if case .and(let sides) = tree.root.kind { sides } else { [tree.root] }
        return parts.map { clause($0, scalars, key: key) }
    }

    private func clause(
        _ part: CELExpression, _ scalars: [Unicode.Scalar], key: String
    ) -> RuleExplanation.Clause {
        let (state, reason) = outcome(part)
        return RuleExplanation.Clause(
            key: key, text: Self.oneLine(scalars[part.range]), state: state, reason: reason, values: values(in: part))
    }

    private func outcome(_ part: CELExpression) -> (RuleExplanation.Clause.State, String) {
        do {
            let program = try CELProgram(part, in: environment)
            switch program.condition(evaluation.frame) {
            case .isTrue: return (.isTrue, "")
            case .isFalse: return (.isFalse, "")
            case .unknown(let error): return (.unknown, Self.words(error))
            case .fault(let error): return (.fault, error.message)
            }
        } catch {
            return (.fault, error.message)
        }
    }

    private static func words(_ error: CELError) -> String {
        error.kind == .absent ? "\(error.message): the event does not tell it" : error.message
    }

    // MARK: Values

    private func values(in part: CELExpression) -> [(name: String, value: RuleExplanation.Shown)] {
        var found: [(name: String, value: RuleExplanation.Shown)] = []
        collect(part, bound: [], &found)
        return Array(found.prefix(Self.maximumValues))
    }

    private func collect(
        _ part: CELExpression, bound: Set<String>, _ found: inout [(name: String, value: RuleExplanation.Shown)]
    ) {
        if let path = Self.path(part), !bound.contains(path.root), isWorthShowing(path) {
            if !found.contains(where: { $0.name == path.name }) { found.append((path.name, shown(part))) }
            return
        }
        switch part.kind {
        case .macro(let macro):
            collect(macro.range, bound: bound, &found)
            let inner = bound.union(macro.variables.map(\.text))
            for child in [macro.condition, macro.result].compactMap({ $0 }) { collect(child, bound: inner, &found) }
        case .call(let name, nil, let arguments) where ["changed", "changedTo", "cleared", "known"].contains(name.text):
            if name.text == "changedTo" || name.text == "known", case .literal(.string(let named))? = arguments.first?.kind {
                found.append(("record.\(named)", field(named)))
            } else {
                let lists = evaluation.event.header
                found.append(("header.changedFields", Self.json(.strings(lists?.changedFields ?? []))))
                if name.text == "cleared" || lists?.nulledFields.isEmpty == false {
                    found.append(("header.nulledFields", Self.json(.strings(lists?.nulledFields ?? []))))
                }
            }
        default: for child in part.children { collect(child, bound: bound, &found) }
        }
    }

    private struct Path {
        var root: String
        var name: String
        var length: Int
    }

    /// `record.?A.B`, without the question marks.
    private static func path(_ part: CELExpression) -> Path? {
        switch part.kind {
        case .identifier(let name, _): return Path(root: name, name: name, length: 1)
        case .select(let operand, let name, _), .has(let operand, let name):
            guard var path = path(operand) else { return nil }
            path.name += ".\(name.text)"
            path.length += 1
            return path
        default: return nil
        }
    }

    private func isWorthShowing(_ path: Path) -> Bool {
        guard let variable = RuleNames.Variable.allCases.first(where: { $0.name == path.root }) else { return false }
        // A whole struct says too much.
        return path.length > 1 || variable == .recordId || variable == .now
    }

    private func shown(_ part: CELExpression) -> RuleExplanation.Shown {
        // What `has` asks about is the member itself.
        if case .has(let operand, let name) = part.kind, let path = Self.path(operand), path.root == "record" {
            return field((path.name + "." + name.text).split(separator: ".").dropFirst().joined(separator: "."))
        }
        guard let program = try? CELProgram(part, in: environment) else { return .absent }
        do {
            let value = try program.evaluate(evaluation.frame)
            if case .optional(let inner) = value { return inner.map(Self.json) ?? .absent }
            return Self.json(value)
        } catch {
            return error.isUnknown ? .absent : .json("error: \(error.message)")
        }
    }

    private func field(_ name: String) -> RuleExplanation.Shown {
        let path = name.split(separator: ".").map(String.init)
        return evaluation.event.record.field(path).map { Self.json(CELValue($0)) } ?? .absent
    }

    private static func json(_ value: CELValue) -> RuleExplanation.Shown {
        guard let bytes = try? value.json() else { return .json("a value without JSON form") }
        let text = String(decoding: bytes, as: UTF8.self)
        return .json(text.count <= maximumText ? text : text.prefix(maximumText) + "…")
    }

    private static func oneLine(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        String(scalars: scalars).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
