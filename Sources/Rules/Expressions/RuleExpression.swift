import CEL
import Documents

/// A compiled expression of a rule.
final class RuleExpression: Sendable {
    let source: ExpressionText
    let place: ExpressionPlace
    /// Kept for conditions only: what the index and `explain` take apart. Others are parsed again when somebody asks.
    let tree: CELSyntaxTree?
    let program: CELProgram
    /// As far as it is known when the file is read.
    let type: CELType

    init(_ source: ExpressionText, _ place: ExpressionPlace, tree: CELSyntaxTree, program: CELProgram, type: CELType) {
        self.source = source
        self.place = place
        self.tree = place.isCondition ? tree : nil
        self.program = program
        self.type = type
    }

    /// As written, on one line and not too long.
    var text: String { source.text.shortened }

    var location: SourceLocation { source.location() }

    /// The value, with an empty optional as nil and a full one unwrapped.
    ///
    /// - Throws: with the column of the part that failed. Unknown and fault alike: a request needs its values.
    func value(in evaluation: Evaluation) throws(RenderFailure) -> CELValue? {
        let value: CELValue
        do {
            value = try program.evaluate(evaluation.frame)
            try evaluation.spend(evaluation.frame.cost)
        } catch {
            throw failure(error)
        }
        if case .optional(let inner) = value { return inner }
        return value
    }

    func failure(_ error: CELError) -> RenderFailure {
        let reason = error.kind == .absent ? "\(error.message): the event does not tell it" : error.message
        return RenderFailure(reason: reason, location: source.location(at: error.range?.lowerBound ?? 0))
    }

    func failure(_ reason: String) -> RenderFailure { RenderFailure(reason: reason, location: location) }
}

/// Why a request could not be built. Says which expression and why, never a field's value.
package struct RenderFailure: Error, Equatable, CustomStringConvertible {
    package var reason: String
    package var location: SourceLocation
    /// It would have been longer than a request may be: of fewer events it might be built.
    package var isTooLarge = false

    package init(reason: String, location: SourceLocation, isTooLarge: Bool = false) {
        self.reason = reason
        self.location = location
        self.isTooLarge = isTooLarge
    }

    package var description: String { "\(location): \(reason)" }
}
