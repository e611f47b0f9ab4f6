/// Macros become nodes of their own; a call that only looks like one stays a call.
extension Parser {
    mutating func hasMacro(_ arguments: [CELExpression], _ range: Range<Int>) throws(CELError) -> CELExpression {
        guard arguments.count == 1, case .select(let operand, let name, false) = arguments[0].kind else {
            throw CELError(.syntax, "has() takes one selection, as in has(record.Name)", at: range)
        }
        return try node(.has(operand, name: name), range, over: [operand])
    }

    mutating func receiverMacro(
        _ name: CELExpression.Name, _ receiver: CELExpression, _ arguments: [CELExpression], _ range: Range<Int>
    ) throws(CELError) -> CELExpression? {
        guard let (kind, variables) = macro(name.text, receiver, arguments.count) else { return nil }
        let names = try arguments.prefix(variables).map(variable)
        if names.count == 2, names[0].text == names[1].text {
            throw CELError(.syntax, "the two variables need two names", at: names[1].range)
        }
        let rest = arguments.dropFirst(variables)
        let macro =
            switch kind {
            case .bind:
                CELMacro(kind: kind, range: rest[1], variables: names, condition: nil, result: rest[2])
            case .all, .exists, .existsOne, .filter:
                CELMacro(kind: kind, range: receiver, variables: names, condition: rest.first, result: nil)
            case .map, .transformList, .transformMap, .optMap, .optFlatMap:
                CELMacro(
                    kind: kind, range: receiver, variables: names, condition: rest.count == 2 ? rest.first : nil,
                    result: rest.last)
            }
        let result = try node(.macro(macro), range, over: [macro.range] + rest)
        guard result.nesting <= options.limits.nesting else {
            throw CELError(.limit, "comprehensions are nested more than \(options.limits.nesting) deep", at: range)
        }
        return result
    }

    /// The macro of that name and number of arguments, and how many of them are names it binds.
    private func macro(_ name: String, _ receiver: CELExpression, _ count: Int) -> (CELMacro.Kind, Int)? {
        switch (name, count) {
        case ("all", 2): (.all, 1)
        case ("exists", 2): (.exists, 1)
        case ("exists_one", 2), ("existsOne", 2): (.existsOne, 1)
        case ("map", 2), ("map", 3): (.map, 1)
        case ("filter", 2): (.filter, 1)
        case ("all", 3): (.all, 2)
        case ("exists", 3): (.exists, 2)
        case ("existsOne", 3), ("exists_one", 3): (.existsOne, 2)
        case ("transformList", 3), ("transformList", 4): (.transformList, 2)
        case ("transformMap", 3), ("transformMap", 4): (.transformMap, 2)
        case ("optMap", 2): (.optMap, 1)
        case ("optFlatMap", 2): (.optFlatMap, 1)
        case ("bind", 3) where receiver.qualifiedName == "cel": (.bind, 1)
        default: nil
        }
    }

    private func variable(_ argument: CELExpression) throws(CELError) -> CELExpression.Name {
        guard case .identifier(let name, false) = argument.kind else {
            throw CELError(.syntax, "a variable's name is expected here", at: argument.range)
        }
        return CELExpression.Name(text: name, range: argument.range)
    }
}

extension CELMacro {
    /// Whether it walks over many elements.
    package var isComprehension: Bool {
        switch kind {
        case .bind, .optMap, .optFlatMap: false
        case .all, .exists, .existsOne, .map, .filter, .transformList, .transformMap: true
        }
    }
}
