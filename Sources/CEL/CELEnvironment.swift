/// What expressions may refer to: variables with types, functions, the name space they are read in.
package struct CELEnvironment: Sendable {
    package struct Variable: Sendable {
        package let name: String
        package let type: CELType

        package init(_ name: String, _ type: CELType = .dyn) {
            self.name = name
            self.type = type
        }
    }

    /// Qualified prefix tried before bare names, outermost part first: `com.example`.
    package var container = ""
    package private(set) var variables: [Variable] = []
    private var slots: [String: Int] = [:]
    private var functions: [String: [CELFunction]] = [:]

    /// The type of a member of `CELType.object(name)`; nil when the type has no such member.
    package var memberType: @Sendable (_ object: String, _ member: String) -> CELType? = { _, _ in .dyn }
    /// Numbers members' names for `CELName.id`.
    package var memberID: @Sendable (String) -> Int = { _ in -1 }
    /// Cost at which an evaluation ends in a fault.
    package var costLimit = 10_000

    /// An environment with the standard library.
    package init(variables: [Variable] = [], functions: [CELFunction] = []) {
        for function in StandardLibrary.functions + functions { declare(function) }
        for variable in variables { declare(variable) }
    }

    /// Declares a variable, or gives it another type.
    package mutating func declare(_ variable: Variable) {
        if let slot = slots[variable.name] {
            variables[slot] = variable
        } else {
            slots[variable.name] = variables.count
            variables.append(variable)
        }
    }

    package mutating func declare(_ function: CELFunction) {
        functions[function.name, default: []].append(function)
    }

    /// The place of a variable in a `CELFrame`.
    package func slot(of name: String) -> Int? { slots[name] }

    package var functionNames: [String] { Array(functions.keys) }
    package func functions(named name: String) -> [CELFunction] { functions[name] ?? [] }
}

/// Names.
extension CELEnvironment {
    enum Reference {
        case variable(Int)
        /// A type's name, as a value.
        case type(String, CELType)
    }

    /// What a name means, tried in the container first, then in the containers around it.
    func resolve(_ name: String, isRooted: Bool) -> Reference? {
        for candidate in candidates(name, isRooted: isRooted) {
            if let slot = slots[candidate] { return .variable(slot) }
            if let type = CELType.named[candidate] { return .type(candidate, type) }
        }
        return nil
    }

    /// The functions a (qualified) name means.
    func resolveFunction(_ name: String, isRooted: Bool) -> [CELFunction] {
        for candidate in candidates(name, isRooted: isRooted) {
            if let found = functions[candidate] { return found }
        }
        return []
    }

    private func candidates(_ name: String, isRooted: Bool) -> [String] {
        guard !isRooted, !container.isEmpty else { return [name] }
        var parts = container.split(separator: ".")
        var result: [String] = []
        while !parts.isEmpty {
            result.append(parts.joined(separator: ".") + "." + name)
            parts.removeLast()
        }
        return result + [name]
    }
}
