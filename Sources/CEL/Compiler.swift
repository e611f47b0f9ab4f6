/// Turns a syntax tree into nodes. Recursion is bounded by the tree's depth.
struct Compiler {
    private let environment: CELEnvironment
    /// Names bound by macros, innermost last, with their places in the frame.
    private var scope: [(name: String, index: Int)] = []
    private(set) var localCount = 0

    init(_ environment: CELEnvironment) { self.environment = environment }

    mutating func compile(_ expression: CELExpression) throws(CELError) -> any Node {
        let range = expression.range
        switch expression.kind {
        case .literal(let value): return ConstantNode(value, range)
        case .identifier(let name, let isRooted): return identifier(name, isRooted, range)
        case .select(let operand, let name, let isOptional):
            return try select(expression, operand, name, isOptional)
        case .has(let operand, let name): return HasNode(try compile(operand), member(name), range)
        case .index(let operand, let key, let isOptional):
            return IndexNode(try compile(operand), try compile(key), isOptional: isOptional, range)
        case .call(let name, let receiver, let arguments): return try call(name, receiver, arguments, range)
        case .unary(.not, let operand): return NotNode(try compile(operand), range)
        case .unary(.negate, let operand): return NegateNode(try compile(operand), range)
        case .binary(let operation, let left, let right):
            return binary(operation, try compile(left), try compile(right), range)
        case .and(let operands): return LogicNode(try compile(operands), decisive: false, range)
        case .or(let operands): return LogicNode(try compile(operands), decisive: true, range)
        case .conditional(let test, let then, let otherwise):
            return ConditionalNode(try compile(test), try compile(then), try compile(otherwise), range)
        case .list(let elements): return try list(elements, range)
        case .map(let entries): return try map(entries, range)
        case .message(let name):
            throw CELError(.unsupported, "there are no message types, so '\(name){...}' makes nothing", at: range)
        case .macro(let macro): return try compile(macro, range)
        }
    }

    private mutating func compile(_ expressions: [CELExpression]) throws(CELError) -> [any Node] {
        var nodes: [any Node] = []
        for expression in expressions { nodes.append(try compile(expression)) }
        return nodes
    }

    private func member(_ name: CELExpression.Name) -> MemberName {
        MemberName(name.text, id: environment.memberID(name.text), name.range)
    }

    private func binary(
        _ operation: CELBinaryOperator, _ left: any Node, _ right: any Node, _ range: Range<Int>
    ) -> any Node {
        switch operation {
        case .equal: EqualNode(left, right, isNegated: false, range)
        case .notEqual: EqualNode(left, right, isNegated: true, range)
        case .less, .lessOrEqual, .greater, .greaterOrEqual: OrderNode(operation, left, right, range)
        case .in: InNode(left, right, range)
        case .add, .subtract, .multiply, .divide, .remainder: ArithmeticNode(operation, left, right, range)
        }
    }

    private mutating func list(_ elements: [CELExpression.Element], _ range: Range<Int>) throws(CELError) -> any Node {
        var nodes: [(node: any Node, isOptional: Bool)] = []
        for element in elements { nodes.append((try compile(element.value), element.isOptional)) }
        var constants: [CELValue] = []
        for case (let node as ConstantNode, false) in nodes where node.cost == 0 { constants.append(node.value) }
        guard constants.count < nodes.count else { return ConstantNode(.list(constants), range, cost: 10) }
        return ListNode(nodes, range)
    }

    private mutating func map(_ entries: [CELExpression.Entry], _ range: Range<Int>) throws(CELError) -> any Node {
        var nodes: [(key: any Node, value: any Node, isOptional: Bool)] = []
        for entry in entries {
            nodes.append((try compile(entry.key), try compile(entry.value), entry.isOptional))
        }
        return MapNode(nodes, range)
    }
}

/// Names: a macro's variable hides everything; otherwise the longest declared name wins.
extension Compiler {
    private func local(_ name: String) -> Int? { scope.last { $0.name == name }?.index }

    private func identifier(_ name: String, _ isRooted: Bool, _ range: Range<Int>) -> any Node {
        if !isRooted, let index = local(name) { return LocalNode(index, range) }
        if let node = reference(name, isRooted, range) { return node }
        return FailureNode(CELError(.undeclared, "'\(name)' is not declared"), range)
    }

    private func reference(_ name: String, _ isRooted: Bool, _ range: Range<Int>) -> (any Node)? {
        switch environment.resolve(name, isRooted: isRooted) {
        case .variable(let slot): VariableNode(slot, name, range)
        case .type(let name, _): ConstantNode(.type(name), range)
        case nil: nil
        }
    }

    private mutating func select(
        _ expression: CELExpression, _ operand: CELExpression, _ name: CELExpression.Name, _ isOptional: Bool
    ) throws(CELError) -> any Node {
        let range = expression.range
        if isOptional { return OptionalSelectNode(try compile(operand), member(name), range) }
        if let qualified = freeName(expression), let node = reference(qualified.name, qualified.isRooted, range) {
            return node
        }
        return SelectNode(try compile(operand), member(name), range)
    }

    /// A qualified name that does not begin with a macro's variable.
    private func freeName(_ expression: CELExpression) -> (name: String, isRooted: Bool)? {
        guard let name = expression.qualifiedName, let root = expression.root else { return nil }
        return root.isRooted || local(root.name) == nil ? (name, root.isRooted) : nil
    }
}

/// Calls and macros.
extension Compiler {
    private mutating func call(
        _ name: CELExpression.Name, _ receiver: CELExpression?, _ arguments: [CELExpression], _ range: Range<Int>
    ) throws(CELError) -> any Node {
        if let receiver, let free = freeName(receiver) {
            let functions = environment.resolveFunction(free.name + "." + name.text, isRooted: free.isRooted)
            if !functions.isEmpty {
                return try call(functions, free.name + "." + name.text, nil, arguments, range, name.range)
            }
        }
        let functions = environment.resolveFunction(name.text, isRooted: false)
        return try call(functions, name.text, receiver, arguments, range, name.range)
    }

    private mutating func call(
        _ functions: [CELFunction], _ name: String, _ receiver: CELExpression?, _ arguments: [CELExpression],
        _ range: Range<Int>, _ nameRange: Range<Int>
    ) throws(CELError) -> any Node {
        let nodes = try compile((receiver.map { [$0] } ?? []) + arguments)
        let match = functions.first { function in
            function.overloads.contains { $0.accepts(nodes.count, isReceiver: receiver != nil) }
        }
        guard let match, let usual = match.implementation else {
            let error =
                functions.isEmpty
                ? CELError(.undeclared, "there is no function '\(name)'", at: nameRange)
                : CELError(.noSuchOverload, "'\(name)' has no overload for these arguments", at: nameRange)
            return FailureNode(error, range)
        }
        guard let specialization = match.specialization else { return CallNode(name, nodes, usual, range) }
        let literals = nodes.map { ($0 as? ConstantNode)?.value }
        do {
            return CallNode(name, nodes, try specialization(literals) ?? usual, range)
        } catch {
            throw error.at(nodes.last { $0 is ConstantNode }?.range ?? range)
        }
    }

    private mutating func compile(_ macro: CELMacro, _ range: Range<Int>) throws(CELError) -> any Node {
        let source = try compile(macro.range)
        let depth = scope.count
        for variable in macro.variables {
            scope.append((variable.text, scope.count))
        }
        localCount = max(localCount, scope.count)
        defer { scope.removeLast(scope.count - depth) }
        let condition = try compile(optional: macro.condition)
        let result = try compile(optional: macro.result)
        switch macro.kind {
        case .bind, .optMap, .optFlatMap:
            guard let result else { preconditionFailure("the parser gives these a result") }
            return macro.kind == .bind
                ? BindNode(source, result, local: depth, range)
                : OptionalMapNode(source, result, local: depth, isFlat: macro.kind == .optFlatMap, range)
        default:
            return ComprehensionNode(
                macro.kind, over: source, filter: condition, result: result, first: depth,
                second: macro.variables.count == 2 ? depth + 1 : nil, range)
        }
    }

    private mutating func compile(optional expression: CELExpression?) throws(CELError) -> (any Node)? {
        guard let expression else { return nil }
        return try compile(expression)
    }
}
