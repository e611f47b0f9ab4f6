import CEL

/// `==` between values of different kinds: always false, and not an error of the language.
struct TypeMismatch {
    let check: CELCheck

    func diagnoses(in root: CELExpression) -> [Diagnosis] {
        var found: [Diagnosis] = []
        root.forEachNode { node in
            switch node.kind {
            case .binary(.equal, let left, let right): found += pair(left, right, node, "always false")
            case .binary(.notEqual, let left, let right): found += pair(left, right, node, "always true")
            case .binary(.in, let left, let right): found += membership(left, right, node)
            default: break
            }
        }
        return found
    }

    private func pair(
        _ left: CELExpression, _ right: CELExpression, _ node: CELExpression, _ result: String
    ) -> [Diagnosis] {
        let (first, second) = (type(left), type(right))
        guard Self.differ(first, second) else { return [] }
        let (literal, other) = left.isLiteral ? (left, second) : (right, first)
        let mend = literal.isLiteral ? Self.mend(literal, as: other) : nil
        return [
            Diagnosis(
                .alwaysFalseType, at: node.range, "\(first) and \(second) are never equal, so this is \(result)",
                hint: mend.map { "write \($0)" } ?? Self.hint(first, second), replacement: mend, mending: literal.range)
        ]
    }

    private func membership(_ left: CELExpression, _ right: CELExpression, _ node: CELExpression) -> [Diagnosis] {
        guard case .list(let elements) = right.kind, !elements.isEmpty,
            elements.allSatisfy({ !$0.isOptional && Self.differ(type(left), type($0.value)) })
        else { return [] }
        return [
            Diagnosis(
                .alwaysFalseType, at: node.range,
                "\(type(left)) and \(type(elements[0].value)) are never equal, so this is always false")
        ]
    }

    private func type(_ expression: CELExpression) -> CELType {
        switch check.types[expression.id] ?? .dyn {
        case .nullable(let type): type
        case let type: type
        }
    }

    static func differ(_ first: CELType, _ second: CELType) -> Bool {
        guard let left = kind(first), let right = kind(second) else { return false }
        return left != right
    }

    /// Types that are equal to none of another kind; nil where something may be known at run time only.
    private static func kind(_ type: CELType) -> Int? {
        switch type {
        case .bool: 0
        case .int, .uint, .double: 1
        case .string: 2
        case .bytes: 3
        case .timestamp: 4
        case .duration: 5
        case .list: 6
        case .map: 7
        case .optional: 8
        default: nil
        }
    }

    /// The literal written as the other side's type, where that is plain.
    private static func mend(_ literal: CELExpression, as type: CELType) -> String? {
        guard case .literal(let value) = literal.kind else { return nil }
        switch (value, type) {
        case (.int(let number), .string): return "'\(number)'"
        case (.string(let text), .int), (.string(let text), .double):
            guard Double(text) != nil, text.utf8.allSatisfy({ (0x2D...0x39).contains($0) }) else { return nil }
            return text
        case (.string(let text), .bool): return text == "true" || text == "false" ? text : nil
        default: return nil
        }
    }

    private static func hint(_ first: CELType, _ second: CELType) -> String? {
        if first == .timestamp || second == .timestamp { return "make the text a time: ts('2026-01-31T00:00:00Z')" }
        if case .optional = first { return "an optional is compared after .orDefault(...)" }
        if case .optional = second { return "an optional is compared after .orDefault(...)" }
        return nil
    }
}
