import CEL

/// What an expression costs at worst, as far as sizes can be told before there is an event.
///
/// Follows the prices of evaluation: 1 per name, selection, operator and call, 10 per list, 30 per map, a tenth per
/// character of text, and the body of a comprehension for each element.
struct CostEstimate {
    /// Of a text whose length nothing tells.
    static let usualText = 255
    /// Of a list whose length nothing tells.
    static let usualList = 100
    /// Fields of one record, and names in a header's list.
    static let maximumFields = 1_000

    /// Whole units, saturating.
    private(set) var cost = 0
    /// Whether nothing had to be guessed: then `cost` can really be reached.
    private(set) var isCertain = true

    private let batchLimit: Int

    /// - Parameter batchLimit: events of one batch at most.
    init(_ root: CELExpression, batchLimit: Int = 1_000) {
        self.batchLimit = batchLimit
        cost = price(root)
    }

    private mutating func price(_ node: CELExpression) -> Int {
        switch node.kind {
        case .literal: return 0
        case .identifier, .message: return 1
        case .select(let operand, _, _), .has(let operand, _), .unary(_, let operand): return add(1, price(operand))
        case .index(let operand, let key, _): return add(1, price(operand), price(key))
        case .binary(let operation, let left, let right):
            return add(1, price(left), price(right), operation == .in ? size(of: right) / 10 : 0)
        case .and(let operands), .or(let operands): return operands.reduce(0) { add($0, price($1)) }
        case .conditional(let test, let then, let otherwise):
            return add(price(test), max(price(then), price(otherwise)))
        case .list(let elements): return elements.reduce(10) { add($0, price($1.value)) }
        case .map(let entries): return entries.reduce(30) { add($0, price($1.key), price($1.value)) }
        case .call(let name, let receiver, let arguments): return call(name.text, receiver, arguments)
        case .macro(let macro): return self.macro(macro)
        }
    }

    private mutating func call(_ name: String, _ receiver: CELExpression?, _ arguments: [CELExpression]) -> Int {
        let all = (receiver.map { [$0] } ?? []) + arguments
        var sum = 1
        for argument in all { sum = add(sum, price(argument)) }
        guard let first = all.first, Self.textFunctions.contains(name) else { return sum }
        let length = textLength(first)
        if name == "matches", let pattern = all.last?.stringLiteral {
            return add(sum, length * max(4, pattern.utf8.count) / 40)
        }
        return add(sum, length / 10)
    }

    private static let textFunctions: Set<String> = [
        "matches", "contains", "startsWith", "endsWith", "replace", "split", "lowerAscii", "upperAscii", "trim",
        "reverse", "indexOf", "lastIndexOf", "substring", "format", "sha256", "json", "urlEncode", "size",
    ]

    private mutating func macro(_ macro: CELMacro) -> Int {
        let range = price(macro.range)
        guard macro.isComprehension else {
            return add(range, macro.condition.map { price($0) } ?? 0, macro.result.map { price($0) } ?? 0)
        }
        let count = size(of: macro.range)
        let makes: Int
        switch macro.kind {
        case .map, .filter, .transformList: makes = 10
        case .transformMap: makes = 30
        default: makes = 0
        }
        let body = add(1, macro.condition.map { price($0) } ?? 0, macro.result.map { price($0) } ?? 0)
        return add(range, makes, multiply(count, body))
    }

    /// Elements of a list or map at most.
    private mutating func size(of expression: CELExpression) -> Int {
        switch expression.kind {
        case .list(let elements): return elements.count
        case .map(let entries): return entries.count
        case .macro(let macro): return size(of: macro.range)
        case .identifier("record", _): return Self.maximumFields
        default: break
        }
        switch expression.qualifiedName {
        case "header.changedFields", "header.nulledFields", "header.diffFields": return Self.maximumFields
        case "batch.events", "batch.recordIds": return batchLimit
        case "batch.changes": return 4
        default:
            isCertain = false
            return Self.usualList
        }
    }

    private mutating func textLength(_ expression: CELExpression) -> Int {
        if let text = expression.stringLiteral { return text.utf8.count }
        isCertain = false
        return Self.usualText
    }

    private func add(_ parts: Int...) -> Int {
        parts.reduce(0) { sum, part in
            let (result, overflow) = sum.addingReportingOverflow(part)
            return overflow ? .max : result
        }
    }

    private func multiply(_ left: Int, _ right: Int) -> Int {
        let (result, overflow) = left.multipliedReportingOverflow(by: right)
        return overflow ? .max : result
    }
}

extension CostEstimate {
    /// Above the limit an error, if the sizes are certain; above a tenth of it a warning.
    func diagnosis(limit: Int, at range: Range<Int>) -> Diagnosis? {
        guard cost > limit / 10 else { return nil }
        let hint = "walk over fewer elements, or compute it once with 'let'"
        if cost > limit, isCertain {
            return Diagnosis(
                .tooCostly, at: range, "this may cost \(Self.words(cost)), more than the limit of \(limit)", hint: hint)
        }
        return Diagnosis(
            .tooCostly, .warning, at: range, "this may cost \(Self.words(cost)) of \(limit)", hint: hint)
    }

    private static func words(_ cost: Int) -> String { cost > 1_000_000_000 ? "more than 1000000000" : "\(cost)" }
}
