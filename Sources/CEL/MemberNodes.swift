/// A member's name, prepared for every kind of operand.
struct MemberName: Sendable {
    let name: CELName
    let range: Range<Int>
    private let absent: CELError

    init(_ text: String, id: Int, _ range: Range<Int>) {
        name = CELName(text, id: id)
        self.range = range
        absent = CELError(absentMember: text, at: range)
    }

    /// - Returns: nil when the operand has no such member.
    func find(in operand: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch operand {
        case .object(let object):
            let value = try object.member(name)
            // Host objects may make the list on the spot.
            if case .list(let elements)? = value { try frame.charge(items: elements.count) }
            return value
        case .map(let map): return map[.string(name.text)]
        case .optional(nil): return nil
        case .optional(let inner?): return try find(in: inner, frame)
        default: throw noOverload("selecting '\(name.text)'", [operand], at: range)
        }
    }

    /// An optional's member is an optional again.
    func select(from operand: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue {
        if let value = try find(in: operand, frame) {
            if case .optional = operand { return .optional(value) }
            return value
        }
        switch operand {
        case .optional: return .optional(nil)
        case .object: throw absent
        default: throw CELError(.noSuchKey, "no such key '\(name.text)'", at: range)
        }
    }
}

final class SelectNode: Node {
    let operand: any Node
    let member: MemberName
    let range: Range<Int>

    init(_ operand: any Node, _ member: MemberName, _ range: Range<Int>) {
        self.operand = operand
        self.member = member
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        try frame.charge(1)
        return try member.select(from: try operand.evaluate(frame), frame)
    }
}

/// `operand.?name`
final class OptionalSelectNode: Node {
    let operand: any Node
    let member: MemberName
    let range: Range<Int>

    init(_ operand: any Node, _ member: MemberName, _ range: Range<Int>) {
        self.operand = operand
        self.member = member
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        try frame.charge(1)
        let operand = try operand.evaluate(frame)
        // `a.?b.?c`: what is asked of a null is not there.
        if case .optional(.null?) = operand { return .optional(nil) }
        return .optional(try member.find(in: operand, frame))
    }
}

/// `has(operand.name)`
final class HasNode: ConditionNode {
    let operand: any Node
    let member: MemberName
    let range: Range<Int>

    init(_ operand: any Node, _ member: MemberName, _ range: Range<Int>) {
        self.operand = operand
        self.member = member
        self.range = range
    }

    func condition(_ frame: CELFrame) throws(CELError) -> Bool {
        try frame.charge(1)
        return try member.find(in: try operand.evaluate(frame), frame) != nil
    }
}

/// `operand[key]` and `operand[?key]`
final class IndexNode: Node {
    let operand: any Node
    let key: any Node
    let isOptional: Bool
    let range: Range<Int>

    init(_ operand: any Node, _ key: any Node, isOptional: Bool, _ range: Range<Int>) {
        self.operand = operand
        self.key = key
        self.isOptional = isOptional
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        try frame.charge(1)
        let container = try operand.evaluate(frame)
        let key = try key.evaluate(frame)
        if case .string(let text) = key { try frame.charge(key: .string(text)) }
        let found = try find(key, in: container)
        if case .object = container, case .list(let elements)? = found { try frame.charge(items: elements.count) }
        if isOptional { return .optional(found) }
        if case .optional = container { return .optional(found) }
        guard let found else { throw missing(key, in: container) }
        return found
    }

    private func find(_ key: CELValue, in container: CELValue) throws(CELError) -> CELValue? {
        switch container {
        case .list(let elements): return try element(key, of: elements)
        case .map(let map):
            guard !key.isNull else { throw noOverload("[]", [container, key], at: range) }
            return CELKey(key).flatMap { map[$0] }
        case .object(let object):
            guard case .string(let name) = key else { throw noOverload("[]", [container, key], at: range) }
            return try object.member(CELName(name))
        case .optional(nil): return nil
        case .optional(let inner?): return try find(key, in: inner)
        default: throw noOverload("[]", [container, key], at: range)
        }
    }

    private func element(_ key: CELValue, of elements: [CELValue]) throws(CELError) -> CELValue? {
        let index: Int64? =
            switch key {
            case .int(let number): number
            case .uint(let number): Int64(clamping: number)
            case .double(let number): Int64(wholeOf: number)
            case .null: throw noOverload("[]", [.list([]), key], at: range)
            default: nil
            }
        guard let index else {
            throw CELError(.badArgument, "a \(key.typeName) is no list index", at: self.key.range)
        }
        return elements.indices.contains(Int(index)) ? elements[Int(index)] : nil
    }

    private func missing(_ key: CELValue, in container: CELValue) -> CELError {
        switch container {
        case .list(let elements):
            CELError(.indexOutOfRange, "the index is outside of the list of \(elements.count)", at: self.key.range)
        case .object: CELError(.absent, "the member is absent", at: self.key.range)
        default: CELError(.noSuchKey, "no such key", at: self.key.range)
        }
    }
}
