/// A compiled part of an expression.
protocol Node: AnyObject, Sendable {
    /// Unicode scalars of the source.
    var range: Range<Int> { get }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue

    /// The value as a bool; quicker than `evaluate` where a node computes one.
    func condition(_ frame: CELFrame) throws(CELError) -> Bool
}

extension Node {
    func condition(_ frame: CELFrame) throws(CELError) -> Bool {
        switch try evaluate(frame) {
        case .bool(let value): return value
        case let other: throw noOverload("a condition", [other], at: range)
        }
    }
}

/// A node that computes a bool.
protocol ConditionNode: Node {}

extension ConditionNode {
    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue { .bool(try condition(frame)) }
}

/// With a null among the arguments the outcome is unknown; any other mismatch is a fault.
func noOverload(_ name: String, _ arguments: [CELValue], at range: Range<Int>?) -> CELError {
    let types = arguments.map(\.typeName).joined(separator: ", ")
    let kind: CELError.Kind = arguments.contains(where: \.isNull) ? .null : .noSuchOverload
    return CELError(kind, "\(name) has no overload for (\(types))", at: range)
}

final class ConstantNode: Node {
    let value: CELValue
    let range: Range<Int>
    /// Literals are free; constant lists and maps cost what making them costs.
    let cost: Int

    init(_ value: CELValue, _ range: Range<Int>, cost: Int = 0) {
        self.value = value
        self.range = range
        self.cost = cost
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        if cost > 0 { try frame.charge(cost) }
        return value
    }
}

/// A part that cannot be evaluated. It fails only when it is reached.
final class FailureNode: Node {
    let error: CELError
    let range: Range<Int>

    init(_ error: CELError, _ range: Range<Int>) {
        self.error = error.at(range)
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue { throw error }
}

final class VariableNode: Node {
    let slot: Int
    let range: Range<Int>
    private let name: String

    init(_ slot: Int, _ name: String, _ range: Range<Int>) {
        self.slot = slot
        self.name = name
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        try frame.charge(1)
        guard let value = frame.variables[slot] else {
            throw CELError(.undeclared, "'\(name)' has no value here", at: range)
        }
        return value
    }
}

/// A name bound by a macro.
final class LocalNode: Node {
    let index: Int
    let range: Range<Int>

    init(_ index: Int, _ range: Range<Int>) {
        self.index = index
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        try frame.charge(1)
        return frame.locals[index]
    }
}

final class ListNode: Node {
    let elements: [(node: any Node, isOptional: Bool)]
    let range: Range<Int>

    init(_ elements: [(node: any Node, isOptional: Bool)], _ range: Range<Int>) {
        self.elements = elements
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        try frame.charge(10)
        var values: [CELValue] = []
        values.reserveCapacity(elements.count)
        for element in elements {
            let value = try element.node.evaluate(frame)
            if !element.isOptional {
                values.append(value)
            } else if let some = try presentOptional(value, at: element.node.range) {
                values.append(some)
            }
        }
        return .list(values)
    }
}

final class MapNode: Node {
    let entries: [(key: any Node, value: any Node, isOptional: Bool)]
    let range: Range<Int>

    init(_ entries: [(key: any Node, value: any Node, isOptional: Bool)], _ range: Range<Int>) {
        self.entries = entries
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        try frame.charge(30)
        var builder = CELMap.Builder()
        for entry in entries {
            let key = try mapKey(try entry.key.evaluate(frame), at: entry.key.range)
            let value = try entry.value.evaluate(frame)
            let kept = entry.isOptional ? try presentOptional(value, at: entry.value.range) : value
            guard let kept else { continue }
            try frame.charge(key: key)
            guard builder.insert(key, kept) else {
                throw CELError(.repeatedKey, "the map has this key twice", at: entry.key.range)
            }
        }
        return .map(builder.build())
    }
}

/// What a `?` in a list or map adds.
private func presentOptional(_ value: CELValue, at range: Range<Int>) throws(CELError) -> CELValue? {
    guard case .optional(let inner) = value else { throw noOverload("an optional entry", [value], at: range) }
    return inner
}

/// A literal's key: bool, int, uint or string. Doubles may look up, but not be, a key.
func mapKey(_ value: CELValue, at range: Range<Int>) throws(CELError) -> CELKey {
    if case .double = value {} else if let key = CELKey(value) { return key }
    throw CELError(.badArgument, "a \(value.typeName) cannot be a map's key", at: range)
}
