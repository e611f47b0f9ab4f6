final class NotNode: ConditionNode {
    let operand: any Node
    let range: Range<Int>

    init(_ operand: any Node, _ range: Range<Int>) {
        self.operand = operand
        self.range = range
    }

    func condition(_ frame: CELFrame) throws(CELError) -> Bool {
        try frame.charge(1)
        switch try operand.evaluate(frame) {
        case .bool(let value): return !value
        case let other: throw noOverload("'!'", [other], at: range)
        }
    }
}

final class NegateNode: Node {
    let operand: any Node
    let range: Range<Int>

    init(_ operand: any Node, _ range: Range<Int>) {
        self.operand = operand
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        try frame.charge(1)
        switch try operand.evaluate(frame) {
        case .int(.min): throw CELError(.overflow, "the result does not fit in an int", at: range)
        case .int(let value): return .int(-value)
        case .double(let value): return .double(-value)
        case let other: throw noOverload("'-'", [other], at: range)
        }
    }
}

final class EqualNode: ConditionNode {
    let left: any Node
    let right: any Node
    let isNegated: Bool
    let range: Range<Int>

    init(_ left: any Node, _ right: any Node, isNegated: Bool, _ range: Range<Int>) {
        self.left = left
        self.right = right
        self.isNegated = isNegated
        self.range = range
    }

    func condition(_ frame: CELFrame) throws(CELError) -> Bool {
        try frame.charge(1)
        let left = try left.evaluate(frame)
        return try areEqual(left, try right.evaluate(frame), frame) != isNegated
    }
}

final class OrderNode: ConditionNode {
    let operation: CELBinaryOperator
    let left: any Node
    let right: any Node
    let range: Range<Int>

    init(_ operation: CELBinaryOperator, _ left: any Node, _ right: any Node, _ range: Range<Int>) {
        self.operation = operation
        self.left = left
        self.right = right
        self.range = range
    }

    func condition(_ frame: CELFrame) throws(CELError) -> Bool {
        try frame.charge(1)
        let left = try left.evaluate(frame)
        let right = try right.evaluate(frame)
        try frame.charge(items: left.textSize)
        guard let order = compareValues(left, right) else {
            throw noOverload("'\(operation.rawValue)'", [left, right], at: range)
        }
        switch operation {
        case .less: return order == .less
        case .lessOrEqual: return order == .less || order == .same
        case .greater: return order == .greater
        default: return order == .greater || order == .same
        }
    }
}

final class InNode: ConditionNode {
    let element: any Node
    let container: any Node
    let range: Range<Int>

    init(_ element: any Node, _ container: any Node, _ range: Range<Int>) {
        self.element = element
        self.container = container
        self.range = range
    }

    func condition(_ frame: CELFrame) throws(CELError) -> Bool {
        try frame.charge(1)
        let element = try element.evaluate(frame)
        return try contains(try container.evaluate(frame), element, frame, at: range)
    }
}

final class ArithmeticNode: Node {
    let operation: CELBinaryOperator
    let left: any Node
    let right: any Node
    let range: Range<Int>

    init(_ operation: CELBinaryOperator, _ left: any Node, _ right: any Node, _ range: Range<Int>) {
        self.operation = operation
        self.left = left
        self.right = right
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        try frame.charge(1)
        let left = try left.evaluate(frame)
        let right = try right.evaluate(frame)
        do {
            if let result = try compute(left, right, frame) { return result }
        } catch {
            throw error.at(range)
        }
        throw noOverload("'\(operation.rawValue)'", [left, right], at: range)
    }

    private func compute(_ left: CELValue, _ right: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch (left, right) {
        case (.int(let left), .int(let right)): .int(try integer(left, right))
        case (.uint(let left), .uint(let right)): .uint(try integer(left, right))
        case (.double(let left), .double(let right)): double(left, right).map { .double($0) }
        default: operation == .add ? try sum(left, right, frame) : try difference(left, right)
        }
    }

    private func integer<Integer: FixedWidthInteger>(
        _ left: Integer, _ right: Integer
    ) throws(CELError) -> Integer {
        let (result, overflow) =
            switch operation {
            case .add: left.addingReportingOverflow(right)
            case .subtract: left.subtractingReportingOverflow(right)
            case .multiply: left.multipliedReportingOverflow(by: right)
            case .divide: left.dividedReportingOverflow(by: right)
            default: left.remainderReportingOverflow(dividingBy: right)
            }
        guard overflow else { return result }
        if right == 0, operation == .divide || operation == .remainder {
            throw CELError(.divideByZero, "division by zero")
        }
        throw CELError(.overflow, "the result does not fit in 64 bits")
    }

    private func double(_ left: Double, _ right: Double) -> Double? {
        switch operation {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        default: nil
        }
    }

    private func sum(_ left: CELValue, _ right: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch (left, right) {
        case (.string(let left), .string(let right)):
            try frame.charge(items: left.utf8.count + right.utf8.count)
            return .string(left + right)
        case (.bytes(let left), .bytes(let right)):
            try frame.charge(items: left.count + right.count)
            return .bytes(left + right)
        case (.list(let left), .list(let right)):
            try frame.charge(items: left.count + right.count)
            return .list(left + right)
        case (.timestamp(let time), .duration(let length)), (.duration(let length), .timestamp(let time)):
            return .timestamp(try inRange(time.adding(length)))
        case (.duration(let left), .duration(let right)): return .duration(try inRange(left.adding(right)))
        default: return nil
        }
    }

    private func difference(_ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue? {
        guard operation == .subtract else { return nil }
        switch (left, right) {
        case (.timestamp(let left), .timestamp(let right)): return .duration(try inRange(left.since(right)))
        case (.timestamp(let time), .duration(let length)): return .timestamp(try inRange(time.subtracting(length)))
        case (.duration(let left), .duration(let right)): return .duration(try inRange(left.subtracting(right)))
        default: return nil
        }
    }

    private func inRange<Result>(_ result: Result?) throws(CELError) -> Result {
        guard let result else { throw CELError(.overflow, "the time or duration is out of range") }
        return result
    }
}
