import CEL
import Documents

/// An operator whose operands it does not take.
struct Operands {
    let operation: CELBinaryOperator
    let left: CELExpression
    let right: CELExpression
    let types: [Int: CELType]

    init(_ operation: CELBinaryOperator, _ left: CELExpression, _ right: CELExpression, _ types: [Int: CELType]) {
        self.operation = operation
        self.left = left
        self.right = right
        self.types = types
    }

    private func type(_ expression: CELExpression) -> CELType {
        switch types[expression.id] ?? .dyn {
        case .nullable(let type): type
        case let type: type
        }
    }

    func diagnosis(at range: Range<Int>) -> Diagnosis {
        let (first, second) = (type(left), type(right))
        if first.isNumeric, second.isNumeric {
            let mend = self.mend
            let middle = left.range.upperBound..<right.range.lowerBound
            return Diagnosis(
                .numberTypes, at: range, phrase("\(first)", "\(second)"),
                hint: mend.map { "write \($0.text)" } ?? "convert one side: double(x) or int(x)",
                replacement: mend?.text, mending: mend?.range ?? middle)
        }
        return Diagnosis(.wrongArgument, at: range, phrase("\(first)", "\(second)"), hint: hint(first, second))
    }

    private func phrase(_ first: String, _ second: String) -> String {
        switch operation {
        case .add: "cannot add \(first) and \(second)"
        case .subtract: "cannot subtract \(second) from \(first)"
        case .multiply: "cannot multiply \(first) by \(second)"
        case .divide: "cannot divide \(first) by \(second)"
        case .remainder: "% takes whole numbers, not \(first) and \(second)"
        case .in: "'in' takes a list or a map on its right, not \(second)"
        default: "cannot compare \(first) with \(second) by \(operation.rawValue)"
        }
    }

    private func hint(_ first: CELType, _ second: CELType) -> String? {
        switch (operation, first, second) {
        case (.in, .string, .string): "write text.contains(part)"
        case (.add, .string, _): "write string(x) around what is no text"
        case (.add, _, .string): "write string(x) around what is no text"
        case (_, .timestamp, .string), (_, .string, .timestamp): "write timestamp('2026-01-31T00:00:00Z') or ts(x)"
        case (_, .timestamp, .int), (_, .int, .timestamp): "write duration('60s')"
        case (_, .string, .double), (_, .string, .int): "write the number in quotes, or double(x)"
        default: nil
        }
    }

    /// A whole number written as such is what is easiest changed: `2` → `2.0`.
    private var mend: (range: Range<Int>, text: String)? {
        guard operation != .remainder else { return nil }
        for (number, other) in [(right, left), (left, right)] {
            guard case .literal(.int(let value)) = number.kind, type(other) == .double else { continue }
            return (number.range, "\(value).0")
        }
        return nil
    }
}

extension CELType {
    var isNumeric: Bool { self == .int || self == .uint || self == .double }
}

/// A call whose arguments no form of the function takes.
struct CallArguments {
    let types: [Int: CELType]
    private let environment = RuleNames.environment()

    init(_ types: [Int: CELType]) { self.types = types }

    /// Names the first argument that differs from the closest form of the function, or the number of arguments.
    func diagnosis(
        _ name: String, _ receiver: CELExpression?, _ arguments: [CELExpression], at range: Range<Int>
    ) -> Diagnosis {
        let name = qualified(name, receiver)
        let isReceiver = receiver != nil && name.isReceiver
        let all = isReceiver ? [receiver!] + arguments : arguments
        let overloads = environment.functions(named: name.text).flatMap(\.overloads)
        let sameForm = overloads.filter { $0.isReceiver == isReceiver }
        guard !sameForm.isEmpty else {
            return Diagnosis(
                .wrongArgument, at: range,
                isReceiver ? "\(name.text) is written \(name.text)(x)" : "\(name.text) is written x.\(name.text)(...)")
        }
        let fitting = sameForm.filter { $0.parameters.count == all.count || ($0.isVariadic && all.count >= 1) }
        guard let closest = fitting.max(by: { fit($0, all) < fit($1, all) }) else {
            return count(name.text, sameForm, all.count, isReceiver, at: range)
        }
        let wrong = all.indices.first { !takes(parameter(closest, $0), all[$0]) } ?? 0
        let subject = isReceiver && wrong == 0 ? "\(name.text) works on" : "\(name.text) expects"
        let expected = Set(fitting.map { "\(parameter($0, wrong))" }).sorted().joined(separator: " or ")
        return Diagnosis(
            .wrongArgument, at: all.isEmpty ? range : all[wrong].range,
            "\(subject) \(expected), got \(all[wrong].typeWords(types))")
    }

    private func qualified(_ name: String, _ receiver: CELExpression?) -> (text: String, isReceiver: Bool) {
        guard let prefix = receiver?.qualifiedName, !environment.functions(named: "\(prefix).\(name)").isEmpty else {
            return (name, true)
        }
        return ("\(prefix).\(name)", false)
    }

    private func count(
        _ name: String, _ overloads: [CELOverload], _ given: Int, _ isReceiver: Bool, at range: Range<Int>
    ) -> Diagnosis {
        let own = isReceiver ? 1 : 0
        let counts = Set(overloads.map { $0.parameters.count - own }).sorted().map(String.init)
        let wanted = counts.joined(separator: " or ")
        return Diagnosis(
            .wrongArgument, at: range, "\(name) takes \(wanted) argument\(wanted == "1" ? "" : "s"), got \(given - own)"
        )
    }

    private func parameter(_ overload: CELOverload, _ index: Int) -> CELType {
        overload.parameters[min(index, overload.parameters.count - 1)]
    }

    private func fit(_ overload: CELOverload, _ arguments: [CELExpression]) -> Int {
        arguments.indices.prefix { takes(parameter(overload, $0), arguments[$0]) }.count
    }

    private func takes(_ wanted: CELType, _ argument: CELExpression) -> Bool {
        switch (wanted, types[argument.id] ?? .dyn) {
        case (_, .dyn), (.dyn, _), (.parameter, _): true
        case (.nullable(let wanted), .nullable(let given)): wanted == given
        case (.nullable(let wanted), let given): wanted == given || given == .null
        case (let wanted, .nullable(let given)): wanted == given
        case (.list, .list), (.map, .map), (.optional, .optional), (.type, .type): true
        case (let wanted, let given): wanted == given
        }
    }
}
