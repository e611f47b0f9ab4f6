extension Checker {
    mutating func macro(_ macro: CELMacro) -> CELType {
        let range = check(macro.range)
        let depth = scope.count
        bind(macro, range)
        defer { scope.removeLast(scope.count - depth) }
        if let condition = macro.condition { self.condition(condition) }
        let result = macro.result.map { check($0) }
        switch macro.kind {
        case .all, .exists, .existsOne: return .bool
        case .filter: return .list(scope[depth].type)
        case .map, .transformList: return .list(result ?? .dyn)
        case .transformMap: return .map(scope[depth].type, result ?? .dyn)
        case .bind: return result ?? .dyn
        case .optMap: return .optional(result ?? .dyn)
        case .optFlatMap: return flattened(result ?? .dyn, macro)
        }
    }

    private mutating func flattened(_ type: CELType, _ macro: CELMacro) -> CELType {
        let result: CELType = .optional(unifier.freshVariable())
        guard unifier.assign(type, to: result) else {
            return report(
                .noSuchOverload, "optFlatMap computes an optional, this is \(type)",
                at: macro.result?.range ?? macro.range.range)
        }
        return result
    }

    private mutating func bind(_ macro: CELMacro, _ range: CELType) {
        let types: [CELType]
        switch macro.kind {
        case .bind: types = [range]
        case .optMap, .optFlatMap:
            let inner = unifier.freshVariable()
            if !unifier.assign(range, to: .optional(inner)) {
                _ = report(.noSuchOverload, "this is \(range), not an optional", at: macro.range.range)
            }
            types = [unifier.substitute(inner)]
        default: types = elements(of: range, macro)
        }
        for (variable, type) in zip(macro.variables, types) { scope.append((variable.text, type)) }
    }

    /// The types of one or two variables.
    private mutating func elements(of range: CELType, _ macro: CELMacro) -> [CELType] {
        let isPair = macro.variables.count == 2
        switch range {
        case .list(let element): return isPair ? [.int, element] : [element]
        case .map(let key, let value): return [key, value]
        case .object: return [.string, .dyn]
        case .nullable(let inner): return elements(of: inner, macro)
        case .dyn: return [.dyn, .dyn]
        case .variable:
            _ = unifier.assign(.dyn, to: range)
            return [.dyn, .dyn]
        default:
            _ = report(.noSuchOverload, "\(range) has no elements to walk over", at: macro.range.range)
            return [.dyn, .dyn]
        }
    }
}
