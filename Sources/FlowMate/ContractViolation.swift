/// What is wrong with one parameter. Names it, and never shows its value.
package struct ContractViolation: Sendable, Hashable, CustomStringConvertible {
    package enum Problem: Sendable, Hashable {
        case missing
        case null
        case wrongType(wanted: String, found: String)
        /// The contract names a type that Sluice does not know.
        case unknownType(String)
        /// A whole number above 2^53: FlowMate rounds it.
        case inexact
        /// The flow declares no input parameters.
        case noContract
        case notAnObject(String)
    }

    /// Empty when it is about the whole of `data`.
    package var parameter: String
    package var problem: Problem

    package init(_ parameter: String, _ problem: Problem) {
        self.parameter = parameter
        self.problem = problem
    }

    package var description: String {
        switch problem {
        case .missing: "the flow wants '\(parameter)', which is missing; list it under optional if it may be"
        case .null: "'\(parameter)' is null; list it under nullable if it may be"
        case .wrongType(let wanted, let found): "the flow wants '\(parameter)' as \(wanted), it is \(found)"
        case .unknownType(let type): "the flow wants '\(parameter)' as '\(type)', which is not checked"
        case .inexact: "'\(parameter)' is above 2^53, where FlowMate rounds; send it as text"
        case .noContract: "the flow declares no input parameters; deliver to it with conform: off"
        case .notAnObject(let found): "data is \(found), the flow wants named parameters"
        }
    }
}
