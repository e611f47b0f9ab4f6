import CEL
import Documents

/// `changed`, `changedTo`, `cleared`, `known` take the names of fields as literals, so that they can be checked and
/// indexed; `matches` may take a computed pattern, but a literal one must be good.
enum LiteralNeeds {
    static let maximumNames = 8

    /// Arguments that should have been literals.
    static func ranges(in root: CELExpression) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        root.forEachNode { node in
            ranges += (FieldFunctions.names(in: node) ?? []).filter { $0.stringLiteral == nil }.map(\.range)
        }
        return ranges
    }

    static func diagnoses(in root: CELExpression) -> [Diagnosis] {
        var found: [Diagnosis] = []
        root.forEachNode { node in
            guard case .call(let function, _, _) = node.kind, let names = FieldFunctions.names(in: node) else { return }
            if names.count > maximumNames {
                found.append(
                    Diagnosis(
                        .wrongArgument, at: node.range, "\(function.text) takes \(maximumNames) names at most",
                        hint: "join two calls with ||"))
            }
            found += names.compactMap { problem(with: $0, of: function.text) }
        }
        return found
    }

    private static func problem(with argument: CELExpression, of function: String) -> Diagnosis? {
        if let name = argument.stringLiteral {
            guard !name.isAPIName else { return nil }
            return Diagnosis(
                .badValue, at: argument.range, "'\(name.shortened)' is not the name of a field",
                hint: "write the API name, such as StageName or BillingAddress.City")
        }
        let name = FieldReference(argument)?.path ?? argument.qualifiedName.flatMap { $0.isAPIName ? $0 : nil }
        return Diagnosis(
            .literalNeeded, at: argument.range, "\(function) needs the name of a field as a literal",
            hint: name.map { "write \(function)('\($0)')" }
                ?? "write the name in quotes: '\(function == "known" ? "Name" : "StageName")'",
            replacement: name.map { "'\($0)'" })
    }
}
