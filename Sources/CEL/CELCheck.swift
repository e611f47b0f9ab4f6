/// Finds what must fail, and deduces types. Gradual: where something is `dyn`, nothing is reported, and neither are
/// comparisons of different kinds, which are false and not errors.
package struct CELCheck: Sendable {
    /// The type of the whole expression; `dyn` where nothing is known or something is wrong.
    package let type: CELType
    /// One per cause, in written order, all with ranges.
    package let issues: [CELError]
    /// The type of every node, by `CELExpression.id`.
    package let types: [Int: CELType]

    package init(_ tree: CELSyntaxTree, in environment: CELEnvironment) {
        var checker = Checker(environment)
        let root = checker.check(tree.root)
        type = checker.unifier.substitute(root, toDyn: true)
        issues = checker.issues.sorted { ($0.range?.lowerBound ?? 0) < ($1.range?.lowerBound ?? 0) }
        let unifier = checker.unifier
        types = checker.types.mapValues { unifier.substitute($0, toDyn: true) }
    }
}

/// Recursion is bounded by the tree's depth.
struct Checker {
    let environment: CELEnvironment
    var unifier = TypeUnifier()
    private(set) var issues: [CELError] = []
    private(set) var types: [Int: CELType] = [:]
    /// Names bound by macros, innermost last.
    var scope: [(name: String, type: CELType)] = []

    init(_ environment: CELEnvironment) { self.environment = environment }

    mutating func check(_ expression: CELExpression) -> CELType {
        let type = unifier.substitute(deduce(expression))
        types[expression.id] = type
        return type
    }

    /// - Returns: `dyn`, so that one cause is reported once.
    mutating func report(_ kind: CELError.Kind, _ message: String, at range: Range<Int>) -> CELType {
        issues.append(CELError(kind, message, at: range))
        return .dyn
    }

    private mutating func deduce(_ expression: CELExpression) -> CELType {
        switch expression.kind {
        case .literal(let value): return literal(value)
        case .identifier(let name, let isRooted): return identifier(name, isRooted, expression.range)
        case .select(let operand, let name, let isOptional):
            return select(expression, operand, name, isOptional: isOptional)
        case .has(let operand, let name):
            _ = member(name, of: check(operand))
            return .bool
        case .index(let operand, let key, let isOptional): return index(operand, key, isOptional: isOptional)
        case .call(let name, let receiver, let arguments): return call(expression, name, receiver, arguments)
        case .unary(let operation, let operand): return unary(operation, operand, expression.range)
        case .binary(let operation, let left, let right): return binary(operation, left, right, expression.range)
        case .and(let operands), .or(let operands):
            for operand in operands { condition(operand) }
            return .bool
        case .conditional(let test, let then, let otherwise):
            condition(test)
            let first = check(then)
            return unifier.join(first, check(otherwise))
        case .list(let elements): return list(elements)
        case .map(let entries): return map(entries)
        case .message(let name):
            return report(
                .unsupported, "there are no message types, so '\(name){...}' makes nothing", at: expression.range)
        case .macro(let macro): return self.macro(macro)
        }
    }

    /// An operand that has to be a bool.
    mutating func condition(_ expression: CELExpression) {
        let type = check(expression)
        guard !unifier.assign(type, to: .bool) else { return }
        _ = report(.noSuchOverload, "a condition is a bool, this is \(type)", at: expression.range)
    }

    private func literal(_ value: CELValue) -> CELType {
        switch value {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        default: .dyn
        }
    }

    private mutating func list(_ elements: [CELExpression.Element]) -> CELType {
        var joined: CELType?
        for element in elements {
            let type = unwrapped(check(element.value), element.value, isOptional: element.isOptional)
            joined = joined.map { unifier.join($0, type) } ?? type
        }
        return .list(joined ?? unifier.freshVariable())
    }

    private mutating func map(_ entries: [CELExpression.Entry]) -> CELType {
        var keys: CELType?
        var values: CELType?
        for entry in entries {
            let key = check(entry.key)
            keys = keys.map { unifier.join($0, key) } ?? key
            let value = unwrapped(check(entry.value), entry.value, isOptional: entry.isOptional)
            values = values.map { unifier.join($0, value) } ?? value
        }
        return .map(keys ?? unifier.freshVariable(), values ?? unifier.freshVariable())
    }

    /// What an element marked with `?` adds.
    private mutating func unwrapped(_ type: CELType, _ expression: CELExpression, isOptional: Bool) -> CELType {
        guard isOptional else { return type }
        let inner = unifier.freshVariable()
        guard unifier.assign(type, to: .optional(inner)) else {
            return report(.noSuchOverload, "an entry with '?' is an optional, this is \(type)", at: expression.range)
        }
        return inner
    }
}
