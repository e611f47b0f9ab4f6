/// A compiled expression: immutable, evaluated by any number of threads, each with its own frame.
package final class CELProgram: Sendable {
    private let root: any Node
    private let localCount: Int
    private let costLimit: Int

    /// Compiles a parsed expression. Names and overloads that do not exist become errors when they are reached, so that
    /// `x || true` is true without an `x`; run the checker to hear of them before.
    ///
    /// - Throws: `CELError` for message literals and for literal arguments that a function refuses.
    package convenience init(_ tree: CELSyntaxTree, in environment: CELEnvironment) throws(CELError) {
        try self.init(tree.root, in: environment)
    }

    /// Compiles a part of a tree, outside of any macro's names: one clause for itself, for example.
    package init(_ expression: CELExpression, in environment: CELEnvironment) throws(CELError) {
        var compiler = Compiler(environment)
        root = try compiler.compile(expression)
        localCount = compiler.localCount
        costLimit = environment.costLimit
    }

    /// Compiles `a && b && ...` from parts of trees, in this order. Without parts it is true.
    package init(conjunction parts: [CELExpression], in environment: CELEnvironment) throws(CELError) {
        var compiler = Compiler(environment)
        var nodes: [any Node] = []
        for part in parts { nodes.append(try compiler.compile(part)) }
        root = nodes.count == 1 ? nodes[0] : LogicNode(nodes, decisive: false, 0..<0)
        localCount = compiler.localCount
        costLimit = environment.costLimit
    }

    /// - Parameter frame: made for the environment this was compiled in.
    /// - Throws: `CELError` with the range of the part that failed.
    package func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        frame.begin(locals: localCount, costLimit: costLimit)
        return try root.evaluate(frame)
    }

    /// Evaluates as a condition. A value that is not a bool is a fault, null is unknown.
    package func condition(_ frame: CELFrame) -> CELOutcome {
        frame.begin(locals: localCount, costLimit: costLimit)
        do {
            return try root.condition(frame) ? .isTrue : .isFalse
        } catch {
            return error.isUnknown ? .unknown(error) : .fault(error)
        }
    }
}
