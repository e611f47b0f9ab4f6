import CEL

/// What the index makes of one conjunct.
struct IndexForm {
    /// All of them hold whenever the conjunct is true.
    var tests: [IndexTest]
    /// The conjunct is true whenever they hold, so that it needs no evaluation.
    var isExact: Bool
}

/// Recognises the conjuncts that the index can use. Everything else stays an expression.
struct IndexFormReader {
    let constants: IndexConstants
    /// Fields that are read from Salesforce when the event does not tell them: what it tells decides nothing.
    let deferred: [String]

    func form(_ expression: CELExpression) -> IndexForm? {
        let form: IndexForm?
        switch expression.kind {
        case .binary(.equal, let left, let right):
            form = equality(left, [right]) ?? equality(right, [left])
        case .binary(.in, let left, let right): form = membership(left, right)
        case .binary(let operation, let left, let right):
            form = order(operation, left, right) ?? order(operation.mirrored, right, left)
        case .call(let name, nil, let arguments): form = function(name.text, arguments)
        case .call(let name, let receiver?, let arguments): form = method(name.text, receiver, arguments)
        case .has(let operand, let name): form = presence(operand, name.text)
        case .select: form = flag(expression)
        default: form = nil
        }
        return form.flatMap(withoutDeferred)
    }

    /// `record.F == literal`
    private func equality(_ left: CELExpression, _ right: [CELExpression]) -> IndexForm? {
        var values: [CELValue] = []
        for expression in right {
            guard let value = constants.literal(expression) else { return nil }
            values.append(value)
        }
        return equality(left, values: values)
    }

    private func membership(_ left: CELExpression, _ right: CELExpression) -> IndexForm? {
        guard case .list(let values) = constants.literal(right), !values.isEmpty,
            values.count <= IndexedCondition.maximumDisjuncts
        else { return nil }
        return equality(left, values: values)
    }

    private func equality(_ left: CELExpression, values: [CELValue]) -> IndexForm? {
        guard let operand = IndexOperand(left, constants) else { return nil }
        var literals: [IndexLiteral] = []
        for value in values {
            if let fallback = operand.fallback, fallback.equals(value) { return nil }
            guard let literal = IndexLiteral(value) else { return nil }
            if !literals.contains(literal) { literals.append(literal) }
        }
        let isNullTest = literals.contains(.null)
        let isExact = !isNullTest || (operand.fallback == nil && !operand.field.isComponent)
        return IndexForm(
            tests: [.equals(operand.field, literals)], isExact: isExact && literals.allSatisfy(\.isExact))
    }

    /// `record.F < literal`
    private func order(_ operation: CELBinaryOperator, _ left: CELExpression, _ right: CELExpression) -> IndexForm? {
        guard let operand = IndexOperand(left, constants), let bound = constants.literal(right)?.indexNumber,
            let range = NumberRange(operation, bound)
        else { return nil }
        if let fallback = operand.fallback {
            guard let number = fallback.indexNumber, !range.contains(number) else { return nil }
        }
        return IndexForm(tests: [.range(operand.field, range)], isExact: abs(bound) < NumberRange.exactLimit)
    }

    private func function(_ name: String, _ arguments: [CELExpression]) -> IndexForm? {
        switch name {
        case "changed", "cleared":
            var fields: [String] = []
            for argument in arguments {
                guard case .literal(.string(let field)) = argument.kind else { return nil }
                fields.append(field)
            }
            guard !fields.isEmpty else { return nil }
            return IndexForm(tests: [name == "changed" ? .changed(fields) : .cleared(fields)], isExact: true)
        case "known":
            guard arguments.count == 1, case .literal(.string(let field)) = arguments[0].kind else { return nil }
            let tested = IndexField.record(field)
            return IndexForm(tests: [.present(tested)], isExact: !tested.isComponent)
        case "changedTo":
            guard arguments.count == 2, case .literal(.string(let field)) = arguments[0].kind,
                let value = constants.literal(arguments[1]), let literal = IndexLiteral(value)
            else { return nil }
            let tested = IndexField.record(field)
            return IndexForm(
                tests: [.equals(tested, [literal]), .changed([field])],
                isExact: literal.isExact && !(literal == .null && tested.isComponent))
        default: return nil
        }
    }

    /// `record.F.startsWith('p')`, and a `matches` that begins so.
    private func method(_ name: String, _ receiver: CELExpression, _ arguments: [CELExpression]) -> IndexForm? {
        guard name == "startsWith" || name == "matches", arguments.count == 1,
            let operand = IndexOperand(receiver, constants), case .record = operand.field,
            case .string(let text) = constants.literal(arguments[0])
        else { return nil }
        let isExact = name == "startsWith"
        let prefix = isExact ? Array(text.utf8) : PatternPrefix.literal(of: text)
        if let fallback = operand.fallback {
            guard case .string(let text) = fallback, !text.utf8.starts(with: prefix) else { return nil }
        }
        return prefix.isEmpty ? nil : IndexForm(tests: [.prefix(operand.field, prefix)], isExact: isExact)
    }

    /// `has(record.F)`
    private func presence(_ operand: CELExpression, _ name: String) -> IndexForm? {
        guard case .identifier("record", _) = operand.kind else { return nil }
        return IndexForm(tests: [.present(.record(name))], isExact: true)
    }

    /// `record.F` alone, a field that is true or false.
    private func flag(_ expression: CELExpression) -> IndexForm? {
        guard let path = IndexOperand.path(expression), !path.isOptional else { return nil }
        return IndexForm(tests: [.equals(.record(path.text), [.bool(true)])], isExact: true)
    }

    private func withoutDeferred(_ form: IndexForm) -> IndexForm? {
        guard !deferred.isEmpty else { return form }
        let tests = form.tests.filter { test in
            switch test {
            case .equals(let field, _), .prefix(let field, _), .range(let field, _), .present(let field):
                return !isDeferred(field)
            case .changed, .cleared: return true
            }
        }
        guard !tests.isEmpty else { return nil }
        return IndexForm(tests: tests, isExact: form.isExact && tests.count == form.tests.count)
    }

    /// A compound is read as a whole, whichever of its components the rule names.
    private func isDeferred(_ field: IndexField) -> Bool {
        guard case .record(let path) = field else { return false }
        let name = path.prefix { $0 != "." }
        return deferred.contains { $0.prefix { $0 != "." } == name }
    }
}

extension CELBinaryOperator {
    /// The operator with its sides exchanged.
    fileprivate var mirrored: CELBinaryOperator {
        switch self {
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        default: self
        }
    }
}

/// What every text that a pattern matches begins with.
enum PatternPrefix {
    /// - Returns: empty unless the pattern is anchored with `^` and has no alternatives.
    static func literal(of pattern: String) -> [UInt8] {
        guard pattern.hasPrefix("^"), !pattern.contains("|") else { return [] }
        var literal: [Unicode.Scalar] = []
        for scalar in pattern.unicodeScalars.dropFirst() {
            if "*?{".unicodeScalars.contains(scalar) {
                // The character before need not be there.
                if !literal.isEmpty { literal.removeLast() }
                break
            }
            if "+.\\[]()^$}".unicodeScalars.contains(scalar) { break }
            literal.append(scalar)
        }
        return literal.reduce(into: []) { $0 += Array(String($1).utf8) }
    }
}
