import CEL

/// `changed`, `changedTo`, `cleared`, `known`: questions about fields by their literal names, so that they can be checked
/// against a schema, and indexed.
extension RuleFunctions {
    static let maximumNames = 8

    static let fields: [CELFunction] = [
        anyField("changed") { changes, field in changes.isChanged(field) },
        anyField("cleared") { changes, field in changes.isCleared(field) },
        CELFunction(
            "changedTo", [.global(.string, .dyn, returns: .bool)],
            specialization: { arguments throws(CELError) in
                let field = try name(arguments[0], "changedTo")
                return .binary { _, wanted, frame throws(CELError) in
                    try changedTo(field, wanted, frame)
                }
            }, refused),
        CELFunction(
            "known", [.global(.string, returns: .bool)],
            specialization: { arguments throws(CELError) in
                let field = try name(arguments[0], "known")
                return .unary { _, frame throws(CELError) in
                    .bool(try FieldContext.changes(frame).event.record.field(field.path) != nil)
                }
            }, refused),
    ]

    private static func anyField(
        _ function: String, _ holds: @escaping @Sendable (FieldChanges, FieldName) -> Bool
    ) -> CELFunction {
        CELFunction(
            function, [.variadic(.string, returns: .bool)],
            specialization: { arguments throws(CELError) in
                guard arguments.count <= maximumNames else {
                    throw badArgument("\(function) takes \(maximumNames) names at most")
                }
                var fields: [FieldName] = []
                for argument in arguments { fields.append(try name(argument, function)) }
                let names = fields
                return .general { _, frame throws(CELError) in
                    let changes = try FieldContext.changes(frame)
                    return .bool(names.contains { holds(changes, $0) })
                }
            }, refused)
    }

    /// True when the event set the field to this value; a value that the event does not tell is unknown.
    private static func changedTo(
        _ field: FieldName, _ wanted: CELValue, _ frame: CELFrame
    ) throws(CELError) -> CELValue? {
        let changes = try FieldContext.changes(frame)
        guard changes.isChanged(field) else { return .bool(false) }
        guard let value = changes.event.record.field(field.path) else {
            throw CELError(.absent, "'\(field.name)' is absent")
        }
        return .bool(try areEqual(CELValue(value), wanted, frame))
    }

    private static func name(_ argument: CELValue?, _ function: String) throws(CELError) -> FieldName {
        guard case .string(let name) = argument else { throw literalNeeded(function) }
        guard name.isAPIName else { throw badArgument("'\(name.shortened)' is not the name of a field") }
        return FieldName(name)
    }

    /// Only the specialisations are ever called.
    private static let refused = CELImplementation.general { _, _ in nil }
}
