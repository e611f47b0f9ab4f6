/// Operators and functions.
extension Checker {
    mutating func unary(_ operation: CELUnaryOperator, _ operand: CELExpression, _ range: Range<Int>) -> CELType {
        if operation == .not {
            condition(operand)
            return .bool
        }
        return resolve("'-'", Self.negation, [check(operand)], at: range)
    }

    mutating func binary(
        _ operation: CELBinaryOperator, _ left: CELExpression, _ right: CELExpression, _ range: Range<Int>
    ) -> CELType {
        let types = [check(left), check(right)]
        switch operation {
        case .equal, .notEqual: return .bool
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            if types.allSatisfy(\.isNumber) { return .bool }
            return resolve("'\(operation.rawValue)'", Self.ordering, types, at: range)
        case .in: return resolve("'in'", Self.membership, types, at: range)
        case .add: return resolve("'+'", Self.addition, types, at: range)
        case .subtract: return resolve("'-'", Self.subtraction, types, at: range)
        case .multiply, .divide: return resolve("'\(operation.rawValue)'", Self.scaling, types, at: range)
        case .remainder: return resolve("'%'", Self.remainders, types, at: range)
        }
    }

    private static let numbers: [CELType] = [.int, .uint, .double]
    private static let negation: [CELOverload] = [.global(.int, returns: .int), .global(.double, returns: .double)]
    private static let ordered: [CELType] = [.bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration]
    private static let ordering = ordered.map { CELOverload.global($0, $0, returns: .bool) }
    private static let membership: [CELOverload] = [
        .global(.dyn, .list(.dyn), returns: .bool), .global(.dyn, .map(.dyn, .dyn), returns: .bool),
        .global(.string, .object(""), returns: .bool),
    ]
    private static let element: CELType = .parameter("A")
    private static let addition: [CELOverload] =
        numbers.map { .global($0, $0, returns: $0) } + [
            .global(.string, .string, returns: .string), .global(.bytes, .bytes, returns: .bytes),
            .global(.list(element), .list(element), returns: .list(element)),
            .global(.timestamp, .duration, returns: .timestamp), .global(.duration, .timestamp, returns: .timestamp),
            .global(.duration, .duration, returns: .duration),
        ]
    private static let subtraction: [CELOverload] =
        numbers.map { .global($0, $0, returns: $0) } + [
            .global(.timestamp, .timestamp, returns: .duration), .global(.timestamp, .duration, returns: .timestamp),
            .global(.duration, .duration, returns: .duration),
        ]
    private static let scaling = numbers.map { CELOverload.global($0, $0, returns: $0) }
    private static let remainders: [CELOverload] = [
        .global(.int, .int, returns: .int), .global(.uint, .uint, returns: .uint),
    ]

    mutating func call(
        _ expression: CELExpression, _ name: CELExpression.Name, _ receiver: CELExpression?,
        _ arguments: [CELExpression]
    ) -> CELType {
        if let receiver, let free = freeName(receiver) {
            let qualified = free.name + "." + name.text
            let functions = environment.resolveFunction(qualified, isRooted: free.isRooted)
            if !functions.isEmpty {
                return call(functions, qualified, isReceiver: false, arguments, expression.range)
            }
        }
        let functions = environment.resolveFunction(name.text, isRooted: false)
        let all = (receiver.map { [$0] } ?? []) + arguments
        guard !functions.isEmpty else {
            for argument in all { _ = check(argument) }
            return report(.undeclared, "there is no function '\(name.text)'", at: name.range)
        }
        return call(functions, name.text, isReceiver: receiver != nil, all, expression.range)
    }

    private mutating func call(
        _ functions: [CELFunction], _ name: String, isReceiver: Bool, _ arguments: [CELExpression], _ range: Range<Int>
    ) -> CELType {
        var types: [CELType] = []
        for argument in arguments { types.append(check(argument)) }
        let overloads = functions.flatMap(\.overloads).filter { $0.accepts(types.count, isReceiver: isReceiver) }
        return resolve("'\(name)'", overloads, types, at: range)
    }

    /// The result of the overloads that take these types; `dyn` when they differ in it.
    private mutating func resolve(
        _ name: String, _ overloads: [CELOverload], _ given: [CELType], at range: Range<Int>
    ) -> CELType {
        let given = given.map { unifier.substitute($0) }
        var result: CELType?
        for overload in overloads where !overload.isFallback || result == nil {
            var wanted = overload.parameters
            if overload.isVariadic, let last = wanted.last {
                wanted += Array(repeating: last, count: given.count - wanted.count)
            }
            let types = unifier.instantiate(wanted + [overload.result])
            guard unifier.assign(given, to: Array(types.dropLast())) else { continue }
            let type = unifier.substitute(types[types.count - 1])
            if let known = result, known != type { result = .dyn } else { result = type }
        }
        if let result { return result }
        let list = given.map(\.description).joined(separator: ", ")
        return report(.noSuchOverload, "\(name) does not take (\(list))", at: range)
    }
}
