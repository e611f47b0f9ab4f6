/// Why an expression cannot be read, compiled or evaluated, and where. A class, so that throwing costs one reference.
package final class CELError: Error, Sendable {
    package enum Kind: String, Sendable {
        /// A member of a host object that this event does not tell.
        case absent
        /// Null given to an operator, function or selection that has no overload for it.
        case null
        case syntax
        /// Length, nodes, depth or nesting of the expression.
        case limit
        case undeclared
        case unsupported
        case noSuchOverload
        case noSuchKey
        case indexOutOfRange
        case divideByZero
        case overflow
        case badArgument
        case repeatedKey
        case costLimit
    }

    package let kind: Kind
    private let text: String
    /// Whether `text` is only the name of the member that is absent: its message is written when it is asked for.
    private let isMemberName: Bool
    /// Unicode scalars of the source; nil until the call that failed is known.
    package let range: Range<Int>?

    package init(_ kind: Kind, _ message: String, at range: Range<Int>? = nil) {
        self.kind = kind
        self.range = range
        text = message
        isMemberName = false
    }

    /// The everyday error: made with the expression, thrown without an allocation.
    init(absentMember name: String, at range: Range<Int>) {
        kind = .absent
        self.range = range
        text = name
        isMemberName = true
    }

    /// One clause, without a position and without values of the event.
    package var message: String { isMemberName ? "'\(text)' is absent" : text }

    /// The innermost position wins.
    func at(_ range: Range<Int>) -> CELError {
        self.range == nil ? CELError(kind, message, at: range) : self
    }

    /// Absence and null make a condition unknown; everything else is a fault.
    package var isUnknown: Bool { kind == .absent || kind == .null }
}

extension CELError: CustomStringConvertible {
    package var description: String {
        guard let range else { return message }
        return "at \(range.lowerBound): \(message)"
    }
}

/// What a condition came to.
package enum CELOutcome: Sendable {
    case isTrue, isFalse
    /// Decided by an absent field or a null without overload.
    case unknown(CELError)
    case fault(CELError)
}
