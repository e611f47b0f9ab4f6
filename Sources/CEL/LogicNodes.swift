/// `&&` and `||` over any number of operands. The first operand that decides wins, even after one that failed; without
/// one, the first failure in written order is the outcome.
final class LogicNode: ConditionNode {
    let operands: [any Node]
    /// The value that decides: true for `||`, false for `&&`.
    let decisive: Bool
    let range: Range<Int>

    init(_ operands: [any Node], decisive: Bool, _ range: Range<Int>) {
        self.operands = operands
        self.decisive = decisive
        self.range = range
    }

    func condition(_ frame: CELFrame) throws(CELError) -> Bool {
        var failure: CELError?
        for operand in operands {
            do {
                if try operand.condition(frame) == decisive { return decisive }
            } catch {
                // Going on after the limit would let an expression cost what it likes.
                if error.kind == .costLimit { throw error }
                if failure == nil { failure = error }
            }
        }
        if let failure { throw failure }
        return !decisive
    }
}

final class ConditionalNode: Node {
    let test: any Node
    let then: any Node
    let otherwise: any Node
    let range: Range<Int>

    init(_ test: any Node, _ then: any Node, _ otherwise: any Node, _ range: Range<Int>) {
        self.test = test
        self.then = then
        self.otherwise = otherwise
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        try test.condition(frame) ? try then.evaluate(frame) : try otherwise.evaluate(frame)
    }

    func condition(_ frame: CELFrame) throws(CELError) -> Bool {
        try test.condition(frame) ? try then.condition(frame) : try otherwise.condition(frame)
    }
}

/// A function call. The receiver is the first argument.
final class CallNode: Node {
    let name: String
    let arguments: [any Node]
    let implementation: CELImplementation
    let range: Range<Int>

    init(_ name: String, _ arguments: [any Node], _ implementation: CELImplementation, _ range: Range<Int>) {
        self.name = name
        self.arguments = arguments
        self.implementation = implementation
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        try frame.charge(1)
        switch implementation {
        case .unary(let function):
            let argument = try arguments[0].evaluate(frame)
            if let result = try placed({ () throws(CELError) in try function(argument, frame) }) { return result }
            throw noOverload("'\(name)'", [argument], at: range)
        case .binary(let function):
            let left = try arguments[0].evaluate(frame)
            let right = try arguments[1].evaluate(frame)
            if let result = try placed({ () throws(CELError) in try function(left, right, frame) }) { return result }
            throw noOverload("'\(name)'", [left, right], at: range)
        case .general(let function):
            var values: [CELValue] = []
            values.reserveCapacity(arguments.count)
            for argument in arguments { values.append(try argument.evaluate(frame)) }
            if let result = try placed({ () throws(CELError) in try function(values, frame) }) { return result }
            throw noOverload("'\(name)'", values, at: range)
        }
    }

    @inline(__always)
    private func placed(_ body: () throws(CELError) -> CELValue?) throws(CELError) -> CELValue? {
        do { return try body() } catch { throw error.at(range) }
    }
}
