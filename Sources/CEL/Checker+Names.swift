/// Names, members and indexes.
extension Checker {
    mutating func identifier(_ name: String, _ isRooted: Bool, _ range: Range<Int>) -> CELType {
        if !isRooted, let local = local(name) { return local }
        return reference(name, isRooted) ?? report(.undeclared, "'\(name)' is not declared", at: range)
    }

    private func local(_ name: String) -> CELType? { scope.last { $0.name == name }?.type }

    private func reference(_ name: String, _ isRooted: Bool) -> CELType? {
        switch environment.resolve(name, isRooted: isRooted) {
        case .variable(let slot): environment.variables[slot].type
        case .type(_, let type): .type(type)
        case nil: nil
        }
    }

    /// A qualified name that does not begin with a macro's variable.
    func freeName(_ expression: CELExpression) -> (name: String, isRooted: Bool)? {
        guard let name = expression.qualifiedName, let root = expression.root else { return nil }
        return root.isRooted || local(root.name) == nil ? (name, root.isRooted) : nil
    }

    mutating func select(
        _ expression: CELExpression, _ operand: CELExpression, _ name: CELExpression.Name, isOptional: Bool
    ) -> CELType {
        if !isOptional, let free = freeName(expression), let type = reference(free.name, free.isRooted) { return type }
        let type = member(name, of: check(operand))
        guard isOptional else { return type }
        if case .optional = type { return type }
        return .optional(type)
    }

    mutating func member(_ name: CELExpression.Name, of operand: CELType) -> CELType {
        switch operand {
        case .dyn: return .dyn
        case .variable:
            _ = unifier.assign(.dyn, to: operand)
            return .dyn
        case .map(_, let value): return value
        case .optional(let inner):
            let type = member(name, of: unifier.substitute(inner))
            if case .optional = type { return type }
            return .optional(type)
        case .nullable(let inner): return member(name, of: inner)
        case .object(let object):
            return environment.memberType(object, name.text)
                ?? report(.noSuchKey, "\(object) has no '\(name.text)'", at: name.range)
        default: return report(.noSuchOverload, "\(operand) has no members, so no '\(name.text)'", at: name.range)
        }
    }

    mutating func index(_ operand: CELExpression, _ key: CELExpression, isOptional: Bool) -> CELType {
        let container = check(operand)
        let keyType = check(key)
        let element = element(of: container, keyType, key.range, operand.range)
        if case .optional(let inner) = container {
            let type = self.element(of: unifier.substitute(inner), keyType, key.range, operand.range)
            return .optional(type)
        }
        return isOptional ? .optional(element) : element
    }

    private mutating func element(
        of container: CELType, _ key: CELType, _ keyRange: Range<Int>, _ range: Range<Int>
    ) -> CELType {
        switch container {
        case .dyn, .optional, .object: return .dyn
        case .variable:
            _ = unifier.assign(.dyn, to: container)
            return .dyn
        case .nullable(let inner): return element(of: inner, key, keyRange, range)
        case .list(let element):
            guard key.isNumber || unifier.assign(key, to: .int) else {
                return report(.noSuchOverload, "a list's index is an int, this is \(key)", at: keyRange)
            }
            return element
        case .map(let wanted, let value):
            let bothNumbers = key.isNumber && unifier.substitute(wanted).isNumber
            guard bothNumbers || unifier.assign(key, to: wanted) else {
                return report(.noSuchOverload, "the map's keys are \(wanted), this is \(key)", at: keyRange)
            }
            return value
        default: return report(.noSuchOverload, "\(container) has no elements", at: range)
        }
    }
}

extension CELType {
    var isNumber: Bool {
        switch self {
        case .int, .uint, .double: true
        case .nullable(let type): type.isNumber
        default: false
        }
    }
}
