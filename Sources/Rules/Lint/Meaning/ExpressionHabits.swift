import CEL
import Documents

/// Expressions that work and hardly do what was meant.
struct ExpressionHabits {
    let root: CELExpression
    let isCondition: Bool

    var diagnoses: [Diagnosis] {
        var found: [Diagnosis] = []
        root.forEachNode { node in
            found += Self.alwaysChanged(node) + Self.shortID(node) + Self.nullKept(node)
        }
        if isCondition { found += Self.timeDependent(root) }
        return found
    }

    /// Fields that every change sets.
    static let auditFields: Set<String> = ["LastModifiedDate", "LastModifiedById", "SystemModstamp"]

    private static func alwaysChanged(_ node: CELExpression) -> [Diagnosis] {
        (node.arguments(ofCallTo: ["changed"]) ?? []).compactMap { argument in
            guard let name = argument.stringLiteral, auditFields.contains(name) else { return nil }
            return Diagnosis(
                .alwaysChanged, .warning, at: argument.range, "'\(name)' is part of every update",
                hint: "name the fields that matter")
        }
    }

    /// A 15-character ID is equal to no ID that Salesforce sends.
    private static func shortID(_ node: CELExpression) -> [Diagnosis] {
        guard let comparison = LiteralComparison(node),
            comparison.relation == .equal || comparison.relation == .notEqual
        else { return [] }
        return comparison.literals.compactMap { literal in
            guard case .string(let text) = literal.value, looksLikeShortID(text), let long = SalesforceID.long(text)
            else { return nil }
            return Diagnosis(
                .shortID, .warning, at: literal.range, "events carry IDs of 18 characters, '\(text)' has 15",
                hint: "write '\(long)'", replacement: "'\(long)'")
        }
    }

    /// A key prefix and a body with at least five digits: words of 15 letters are no IDs.
    static func looksLikeShortID(_ text: String) -> Bool {
        text.utf8.count == 15 && text.unicodeScalars.allSatisfy { $0.isLetter || $0.isDigit }
            && text.unicodeScalars.count(where: \.isDigit) >= 5
    }

    /// `x.?F.orValue(d)` stays null where F is null; compared or joined to text, that is not what was meant.
    private static func nullKept(_ node: CELExpression) -> [Diagnosis] {
        guard case .binary(let operation, let left, let right) = node.kind, operation != .in else { return [] }
        return [left, right].compactMap { side in
            orValue(side).map { name in
                Diagnosis(
                    .nullKept, .warning, at: name.range, "orValue keeps null, so this may compare null",
                    hint: "write orDefault, which also replaces null", replacement: "orDefault")
            }
        }
    }

    /// The name in `record.?F.orValue(d)` where `d` is not null.
    static func orValue(_ expression: CELExpression) -> CELExpression.Name? {
        guard case .call(let name, let receiver?, let arguments) = expression.kind, name.text == "orValue",
            arguments.count == 1, FieldReference(receiver)?.isPlain == false
        else { return nil }
        if case .literal(.null) = arguments[0].kind { return nil }
        return name
    }

    private static func timeDependent(_ root: CELExpression) -> [Diagnosis] {
        var found: [Diagnosis] = []
        FreeNames.visit(root) { name, range in
            guard name == "now", found.isEmpty else { return }
            found.append(
                Diagnosis(
                    .timeDependent, .warning, at: range, "'now' makes a replay decide differently than the first time",
                    hint: "compare with event.time"))
        }
        return found
    }
}
