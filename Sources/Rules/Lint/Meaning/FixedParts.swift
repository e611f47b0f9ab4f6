import CEL
import Documents

/// Parts of an expression whose value no event changes: literals, and calls with nothing but literals. Those that fail do
/// so for every event, and can be told when the file is read.
struct FixedParts {
    let place: ExpressionPlace

    /// One per part that fails, as large a part as can be.
    func diagnoses(in root: CELExpression) -> [Diagnosis] {
        var found: [Diagnosis] = []
        // A condition's clauses that always fail make the rule match never: `Contradictions` says it so.
        let left = [.when, .deliveryWhen].contains(place) ? Set(root.conjuncts.map(\.id)) : []
        visit(root) { part in
            if !left.contains(part.id), let diagnosis = Self.failure(of: part) { found.append(diagnosis) }
        }
        root.forEachNode { if let diagnosis = Self.unknownZone($0) { found.append(diagnosis) } }
        if found.isEmpty, place == .body, root.isFixed, let reason = Self.noJSON(root) {
            found.append(Diagnosis(.wrongArgument, at: root.range, "this cannot be put into a body: \(reason)"))
        }
        return found
    }

    private func visit(_ node: CELExpression, _ body: (CELExpression) -> Void) {
        guard node.isFixed else {
            for child in node.children { visit(child, body) }
            return
        }
        if case .literal = node.kind { return }
        body(node)
    }

    // MARK: Values

    static func value(of part: CELExpression) throws(CELError) -> CELValue {
        try CELProgram(part, in: environment).evaluate(CELFrame(for: environment))
    }

    static let environment = RuleNames.environment()

    private static func failure(of part: CELExpression) -> Diagnosis? {
        do {
            _ = try value(of: part)
            return nil
        } catch {
            // Absent and null are for conditions to be unknown about; the cost is estimated elsewhere.
            guard !error.isUnknown, error.kind != .costLimit, error.kind != .undeclared else { return nil }
            return Diagnosis(
                .wrongArgument, at: error.range ?? part.range, "this always fails: \(error.message)", hint: hint(part))
        }
    }

    private static func noJSON(_ part: CELExpression) -> String? {
        guard let value = try? value(of: part) else { return nil }
        do throws(CELJSON.Failure) {
            _ = try value.json()
            return nil
        } catch {
            return error.words
        }
    }

    /// What to write for times that other languages write otherwise.
    static func hint(_ part: CELExpression) -> String? {
        var hint: String?
        part.forEachNode { node in
            guard hint == nil, let text = node.arguments(ofCallTo: ["duration", "timestamp", "ts"])?.first?.stringLiteral,
                case .call(let name, _, _) = node.kind, (try? value(of: node)) == nil
            else { return }
            if name.text == "duration" {
                hint = days(text).map { "hours are the largest unit: write duration('\($0)')" }
            } else if CELTimestamp(text + "T00:00:00Z") != nil {
                hint = "write \(name.text)('\(text)T00:00:00Z')"
            }
        }
        return hint
    }

    /// `2d` → `48h`
    private static func days(_ text: String) -> String? {
        guard text.hasSuffix("d"), let count = Int(text.dropLast()), count.magnitude < 100_000 else { return nil }
        return "\(count * 24)h"
    }

    // MARK: Time zones

    private static let zoned: Set<String> = [
        "date", "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours",
        "getMinutes", "getSeconds", "getMilliseconds",
    ]

    /// A literal zone that is none, of a time that only the event knows.
    private static func unknownZone(_ node: CELExpression) -> Diagnosis? {
        guard case .call(let name, let receiver?, let arguments) = node.kind, zoned.contains(name.text), !receiver.isFixed,
            arguments.count == 1, let zone = arguments[0].stringLiteral, let start = CELTimestamp(seconds: 0)
        else { return nil }
        do throws(CELError) {
            _ = try start.date(in: zone)
            return nil
        } catch {
            // A machine may check rules without knowing any zone.
            guard (try? start.date(in: "Europe/Berlin")) != nil else { return nil }
            return Diagnosis(.wrongArgument, at: arguments[0].range, error.message)
        }
    }
}

extension CELExpression {
    /// Whether its value is the same for every event.
    var isFixed: Bool { isFixed(bound: []) }

    private func isFixed(bound: Set<String>) -> Bool {
        switch kind {
        case .identifier(let name, let isRooted): return !isRooted && bound.contains(name)
        case .message: return false
        case .call(let name, let receiver, let arguments):
            guard FieldFunctions.names(in: self) == nil else { return false }
            guard arguments.allSatisfy({ $0.isFixed(bound: bound) }) else { return false }
            guard let receiver else { return true }
            if let prefix = receiver.qualifiedName, !bound.contains(prefix),
                !FixedParts.environment.functions(named: "\(prefix).\(name.text)").isEmpty
            {
                return true
            }
            return receiver.isFixed(bound: bound)
        case .macro(let macro):
            let inner = bound.union(macro.variables.map(\.text))
            return macro.range.isFixed(bound: bound)
                && [macro.condition, macro.result].compactMap(\.self).allSatisfy { $0.isFixed(bound: inner) }
        default: return children.allSatisfy { $0.isFixed(bound: bound) }
        }
    }
}
