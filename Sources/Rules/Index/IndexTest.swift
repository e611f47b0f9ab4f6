import CEL

/// What the index can decide about an event without an expression. True only when the part of the condition it was made
/// from may be true.
enum IndexTest: Hashable, Sendable {
    /// The field's value is one of these.
    case equals(IndexField, [IndexLiteral])
    /// One of these fields of the record changed.
    case changed([String])
    /// The event set one of these fields to null.
    case cleared([String])
    /// The field, one of the record, is a text that begins with these bytes.
    case prefix(IndexField, [UInt8])
    /// The field is a number in this range.
    case range(IndexField, NumberRange)
    /// The field is known, null included.
    case present(IndexField)
}

/// What a test looks at.
enum IndexField: Hashable, Sendable {
    /// By its dotted path: `StageName`, `BillingAddress.City`.
    case record(String)
    /// `header.commitUser`, `org.alias`, `event.topic`.
    case commitUser, orgAlias, topic

    /// A component of a compound field. Where the compound is null an expression fails, while the component counts as
    /// null here.
    var isComponent: Bool {
        if case .record(let path) = self { path.utf8.contains(UInt8(ascii: ".")) } else { false }
    }
}

/// A literal to compare with. Numbers of all kinds are one, so that 1, 1u and 1.0 are the same key.
enum IndexLiteral: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case text([UInt8])

    /// Nil for NaN, which equals nothing, and for values that are no scalars.
    init?(_ value: CELValue) {
        switch value {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .int, .uint, .double:
            guard let number = value.indexNumber, !number.isNaN else { return nil }
            self = .number(number == 0 ? 0 : number)
        case .string(let text): self = .text(Array(text.utf8))
        default: return nil
        }
    }

    /// Whether equal keys mean equal values: integers from 2^53 on share their doubles.
    var isExact: Bool {
        if case .number(let number) = self { abs(number) < NumberRange.exactLimit } else { true }
    }
}

extension CELValue {
    /// A number of any kind on the one number line.
    var indexNumber: Double? {
        switch self {
        case .int(let number): Double(number)
        case .uint(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }
}

/// A closed range of doubles; a bound that does not belong to it is moved to the next double.
struct NumberRange: Hashable, Sendable {
    var low = -Double.infinity
    var high = Double.infinity

    /// 2^53: integers below are doubles.
    static let exactLimit = 9_007_199_254_740_992.0

    /// The numbers that stand so to a bound: `x operation bound`.
    ///
    /// - Returns: nil for other operators and for NaN.
    init?(_ operation: CELBinaryOperator, _ bound: Double) {
        // Around a bound that integers share, the bound itself is let in.
        let isExact = abs(bound) < Self.exactLimit
        switch operation {
        case _ where bound.isNaN: return nil
        case .less: high = isExact ? bound.nextDown : bound
        case .lessOrEqual: high = bound
        case .greater: low = isExact ? bound.nextUp : bound
        case .greaterOrEqual: low = bound
        default: return nil
        }
    }

    var isEmpty: Bool { low > high }

    func contains(_ number: Double) -> Bool { low <= number && number <= high }

    func intersection(_ other: NumberRange) -> NumberRange {
        var both = self
        both.low = max(low, other.low)
        both.high = min(high, other.high)
        return both
    }
}
