import CEL

/// The functions that rules have beyond the standard library.
enum RuleFunctions {
    static let all = fields + maps + values

    /// A parameter of any type, the same wherever it occurs in one overload.
    static let anything = CELType.parameter("T")

    /// What is wrong with an argument, as the checker and the compiler report it.
    static func badArgument(_ message: String) -> CELError { CELError(.badArgument, message) }

    static func literalNeeded(_ function: String) -> CELError {
        badArgument("\(function) needs the name of a field as a literal")
    }
}

/// What functions about the event look at: set by whoever evaluates.
final class FieldContext {
    var changes: FieldChanges

    init(_ changes: FieldChanges) { self.changes = changes }

    /// The frame's; every frame that rules use has one.
    static func changes(_ frame: CELFrame) throws(CELError) -> FieldChanges {
        guard let context = frame.context as? FieldContext else {
            throw CELError(.unsupported, "there is no event here")
        }
        return context.changes
    }
}
