import Documents
import Events

/// A computed value inside a template: in this version a field path. Callers only ask for its value, its static type
/// and whether it may be absent, so that a larger language can take its place.
struct Expression: Sendable {
    let operand: Operand
    /// As written, without the braces.
    let text: String
    let location: SourceLocation

    var isOptional: Bool { operand.isOptional }
    var staticType: Operand.StaticType { operand.staticType }

    /// - Returns: nil when the value is absent and was written as one that may be.
    /// - Throws: for a value that had to be there.
    func value(in context: EvaluationContext) throws(RenderFailure) -> Value? {
        guard let value = operand.value(in: context) else {
            guard isOptional, isRequiredPartKnown(in: context) else {
                throw failure("'\(text)' is absent: the event does not tell it")
            }
            return nil
        }
        return value
    }

    /// What was written before the first `.?` must be known.
    private func isRequiredPartKnown(in context: EvaluationContext) -> Bool {
        guard case .record(let path, let first?) = operand, first > 0 else { return true }
        return Operand.field(Array(path.prefix(first)), of: context.event.record) != nil
    }

    func failure(_ reason: String) -> RenderFailure { RenderFailure(reason: reason, location: location) }
}

/// Why a request could not be built. Says which expression and why, never a field's value.
package struct RenderFailure: Error, Equatable, CustomStringConvertible {
    package var reason: String
    package var location: SourceLocation

    package init(reason: String, location: SourceLocation) {
        self.reason = reason
        self.location = location
    }

    package var description: String { "\(location): \(reason)" }
}
