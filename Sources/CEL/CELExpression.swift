/// A node of the syntax tree. Macros stay macros, so that every node has a place in the source.
package struct CELExpression: Sendable {
    package let kind: Kind
    /// Unicode scalars of the source.
    package let range: Range<Int>
    /// Unique within one tree.
    package let id: Int
    /// 1 for a leaf.
    let depth: Int
    /// Comprehensions within comprehensions, this one counted.
    let nesting: Int

    package indirect enum Kind: Sendable {
        case literal(CELValue)
        /// `isRooted`: written with a leading dot.
        case identifier(String, isRooted: Bool)
        /// `operand.name` or `operand.?name`.
        case select(CELExpression, name: Name, isOptional: Bool)
        /// `has(operand.name)`.
        case has(CELExpression, name: Name)
        /// `operand[key]` or `operand[?key]`.
        case index(CELExpression, key: CELExpression, isOptional: Bool)
        /// `name(arguments)` or `receiver.name(arguments)`.
        case call(name: Name, receiver: CELExpression?, arguments: [CELExpression])
        case unary(CELUnaryOperator, CELExpression)
        case binary(CELBinaryOperator, CELExpression, CELExpression)
        /// `a && b && c`: at least two, in written order, nested ones of the same kind flattened.
        case and([CELExpression])
        case or([CELExpression])
        case conditional(CELExpression, then: CELExpression, otherwise: CELExpression)
        case list([Element])
        case map([Entry])
        /// `Type{...}`: parsed, then rejected, for there are no message types.
        case message(String)
        case macro(CELMacro)
    }

    package struct Name: Sendable {
        package let text: String
        package let range: Range<Int>
    }

    package struct Element: Sendable {
        package let value: CELExpression
        package let isOptional: Bool
    }

    package struct Entry: Sendable {
        package let key: CELExpression
        package let value: CELExpression
        package let isOptional: Bool
    }
}

package enum CELUnaryOperator: String, Sendable {
    case not = "!"
    case negate = "-"
}

package enum CELBinaryOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case remainder = "%"
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case `in`
}

/// A macro call: a form that binds names in some of its arguments.
package struct CELMacro: Sendable {
    package enum Kind: String, Sendable {
        case all, exists, existsOne, map, filter, transformList, transformMap
        case bind = "cel.bind"
        case optMap, optFlatMap
    }

    package let kind: Kind
    /// The list, map or optional walked over; for `cel.bind` the value bound.
    package let range: CELExpression
    /// One or two names.
    package let variables: [CELExpression.Name]
    /// The condition of `all`, `exists`, `existsOne`, `filter`; the filter of the forms that have one more argument.
    package let condition: CELExpression?
    /// What `map` and its kin, `cel.bind` and `optMap` compute.
    package let result: CELExpression?
}

extension CELExpression {
    /// The direct parts, in written order.
    package var children: [CELExpression] {
        switch kind {
        case .literal, .identifier, .message: []
        case .select(let operand, _, _), .has(let operand, _), .unary(_, let operand): [operand]
        case .index(let operand, let key, _): [operand, key]
        case .call(_, let receiver, let arguments): (receiver.map { [$0] } ?? []) + arguments
        case .binary(_, let left, let right): [left, right]
        case .and(let operands), .or(let operands): operands
        case .conditional(let condition, let then, let otherwise): [condition, then, otherwise]
        case .list(let elements): elements.map(\.value)
        case .map(let entries): entries.flatMap { [$0.key, $0.value] }
        case .macro(let macro): [macro.range] + [macro.condition, macro.result].compactMap { $0 }
        }
    }

    /// `a.b.c` as one name, when the expression is nothing but plain selections from an identifier.
    package var qualifiedName: String? {
        switch kind {
        case .identifier(let name, _): name
        case .select(let operand, let name, false): operand.qualifiedName.map { $0 + "." + name.text }
        default: nil
        }
    }

    /// The identifier a qualified name begins with.
    var root: (name: String, isRooted: Bool)? {
        switch kind {
        case .identifier(let name, let isRooted): (name, isRooted)
        case .select(let operand, _, _): operand.root
        default: nil
        }
    }
}
