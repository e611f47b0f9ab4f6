import CEL
import Documents

/// Expressions held against the fields of the objects that a rule is about.
struct SchemaChecks {
    /// Those of the rule's objects that the snapshot knows: a field is unknown if none of them has it.
    let entities: [EntitySchema]

    func diagnoses(in root: CELExpression) -> [Diagnosis] {
        guard !entities.isEmpty else { return [] }
        var found: [Diagnosis] = []
        root.forEach { node in
            found += unknownFields(node) + values(node)
        }
        return found
    }

    // MARK: Fields

    private func unknownFields(_ node: CELExpression) -> [Diagnosis] {
        if let reference = FieldReference(node) { return unknown(reference).map { [$0] } ?? [] }
        if case .has(let operand, let name) = node.kind {
            var path: [String] = []
            if let reference = FieldReference(operand) {
                path = reference.steps.map(\.name)
            } else if case .identifier("record", _) = operand.kind {
                path = []
            } else {
                return []
            }
            path.append(name.text)
            return unknown(path, at: name.range).map { [$0] } ?? []
        }
        return (FieldFunctions.names(in: node) ?? []).compactMap { argument in
            guard let text = argument.stringLiteral, text.isAPIName, let problem = problem(with: text) else {
                return nil
            }
            return Diagnosis(
                .unknownField, at: argument.range, problem.message, hint: problem.hint,
                replacement: problem.meant.map { "'\($0)'" })
        }
    }

    private func unknown(_ reference: FieldReference) -> Diagnosis? {
        for count in 1...reference.steps.count {
            let steps = reference.steps.prefix(count)
            if let found = unknown(steps.map(\.name), at: steps.last?.range ?? reference.range) { return found }
            // Below a field without known components nothing can be said.
            if components(of: steps.map(\.name).joined(separator: ".")).isEmpty { return nil }
        }
        return nil
    }

    private func components(of path: String) -> [FieldSchema] { entities.flatMap { $0.field(path)?.components ?? [] } }

    private func unknown(_ path: [String], at range: Range<Int>) -> Diagnosis? {
        problem(with: path.joined(separator: ".")).map { problem in
            let last = problem.meant?.split(separator: ".").last.map(String.init)
            let isSameDepth = problem.meant?.split(separator: ".").count == path.count
            return Diagnosis(
                .unknownField, at: range, problem.message, hint: problem.hint, replacement: isSameDepth ? last : nil)
        }
    }

    /// What is wrong with the name of a field, if none of the objects has it.
    func problem(with path: String) -> (message: String, hint: String?, meant: String?)? {
        guard !entities.isEmpty, !entities.contains(where: { $0.field(path) != nil }) else { return nil }
        let name = entities.count == 1 ? entities[0].name : "none of \(entities.map(\.name).joined(separator: ", "))"
        let message = entities.count == 1 ? "\(name) has no field '\(path)'" : "\(name) has a field '\(path)'"
        if let dotted = dotted(path) { return (message, "write \(dotted), as events name it", dotted) }
        let paths = entities.flatMap(\.paths)
        return (message, Suggestion.hint(for: path, in: paths), Suggestion.only(to: path, in: paths))
    }

    /// `BillingCity` → `BillingAddress.City`
    private func dotted(_ path: String) -> String? {
        for entity in entities {
            for field in entity.fields where !field.components.isEmpty {
                let prefix = field.name.hasSuffix("Address") ? String(field.name.dropLast("Address".count)) : ""
                if let component = field.components.first(where: { prefix + $0.name == path }) {
                    return "\(field.name).\(component.name)"
                }
            }
        }
        return nil
    }

    // MARK: Values

    private func values(_ node: CELExpression) -> [Diagnosis] {
        guard let comparison = LiteralComparison(node), let path = comparison.field,
            comparison.relation == .equal || comparison.relation == .notEqual
        else { return [] }
        let fields = entities.compactMap { $0.field(path) }
        return comparison.literals.compactMap { literal in
            wrongType(literal, fields, comparison) ?? picklist(literal, fields, path)
        }
    }

    /// The checker sees `==`; this is for `changedTo`, which takes anything.
    private func wrongType(
        _ literal: LiteralComparison.Literal, _ fields: [FieldSchema], _ comparison: LiteralComparison
    ) -> Diagnosis? {
        guard comparison.operand == nil, let given = Self.type(of: literal.value), !fields.isEmpty,
            fields.allSatisfy({ TypeMismatch.differ($0.type, given) })
        else { return nil }
        return Diagnosis(
            .alwaysFalseType, at: literal.range,
            "\(fields[0].type) and \(given) are never equal, so this is always false")
    }

    private func picklist(
        _ literal: LiteralComparison.Literal, _ fields: [FieldSchema], _ path: String
    ) -> Diagnosis? {
        guard case .string(let text) = literal.value, !fields.isEmpty,
            fields.allSatisfy({ $0.picklist != nil })
        else { return nil }
        let values = fields.flatMap { $0.picklist ?? [] }
        guard !values.contains(text) else { return nil }
        if let same = values.first(where: { $0.lowercased() == text.lowercased() }) {
            return Diagnosis(
                .letterCase, .warning, at: literal.range, "'\(text)' is written '\(same)' in \(path)",
                hint: "write '\(same)'", replacement: "'\(same)'")
        }
        return Diagnosis(
            .notAPicklistValue, .warning, at: literal.range, "'\(text.shortened)' is not a value of \(path)",
            hint: Suggestion.hint(for: text, in: values) ?? "its values are \(Self.list(values))",
            replacement: Suggestion.only(to: text, in: values).map { "'\($0)'" })
    }

    private static func list(_ values: [String]) -> String {
        let shown = values.prefix(6).map { "'\($0)'" }.joined(separator: ", ")
        return values.count > 6 ? shown + ", ..." : shown
    }

    private static func type(of value: CELValue) -> CELType? {
        switch value {
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        default: nil
        }
    }
}
