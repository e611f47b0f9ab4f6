import CEL

/// A comparison with literals: `x == 'a'`, `'a' == x`, `x in ['a', 'b']`, `changedTo('F', 'a')`.
struct LiteralComparison {
    enum Relation { case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual }

    struct Literal {
        var value: CELValue
        var range: Range<Int>
    }

    /// What is compared; nil for `changedTo`, whose field has no expression.
    let operand: CELExpression?
    /// The field compared, with or without `.?` and `.orDefault(...)`.
    let field: String?
    let relation: Relation
    /// Any of them, for `in`.
    let literals: [Literal]
    let range: Range<Int>

    /// Nil for anything else.
    init?(_ expression: CELExpression) {
        range = expression.range
        switch expression.kind {
        case .binary(.in, let left, let right):
            guard case .list(let elements) = right.kind, !elements.contains(where: \.isOptional) else { return nil }
            let literals = elements.compactMap { Self.literal($0.value) }
            guard literals.count == elements.count, Self.literal(left) == nil else { return nil }
            operand = left
            relation = .equal
            self.literals = literals
        case .binary(let operation, let left, let right):
            guard let relation = Self.relation(operation) else { return nil }
            if let literal = Self.literal(right), Self.literal(left) == nil {
                operand = left
                self.relation = relation
                literals = [literal]
            } else if let literal = Self.literal(left), Self.literal(right) == nil {
                operand = right
                self.relation = relation.mirrored
                literals = [literal]
            } else {
                return nil
            }
        default:
            guard let arguments = expression.arguments(ofCallTo: ["changedTo"]), arguments.count == 2,
                let name = arguments[0].stringLiteral, let literal = Self.literal(arguments[1])
            else { return nil }
            operand = nil
            relation = .equal
            literals = [literal]
            field = name
            return
        }
        field = operand.flatMap(Self.field)
    }

    /// Two comparisons with the same key look at the same value.
    var key: String? {
        if let field, isExact { return "record." + field }
        return operand?.qualifiedName
    }

    /// Not through a default, which stands for other values.
    private var isExact: Bool { operand == nil || operand.flatMap(FieldReference.init)?.isPlain == true }

    private static func literal(_ expression: CELExpression) -> Literal? {
        if case .literal(let value) = expression.kind { return Literal(value: value, range: expression.range) }
        return nil
    }

    private static func field(_ expression: CELExpression) -> String? {
        if let reference = FieldReference(expression) { return reference.path }
        guard case .call(let name, let receiver?, _) = expression.kind, ["orDefault", "orValue"].contains(name.text)
        else { return nil }
        return FieldReference(receiver)?.path
    }

    private static func relation(_ operation: CELBinaryOperator) -> Relation? {
        switch operation {
        case .equal: .equal
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        default: nil
        }
    }
}

extension LiteralComparison.Relation {
    /// As it reads with its sides exchanged.
    fileprivate var mirrored: Self {
        switch self {
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        case .equal, .notEqual: self
        }
    }
}
