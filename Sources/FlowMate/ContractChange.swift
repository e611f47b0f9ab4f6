/// How one contract differs from another.
package struct ContractChange: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        case added(type: String)
        case removed
        case retyped(from: String, to: String)
    }

    package var parameter: String
    package var kind: Kind

    package init(_ parameter: String, _ kind: Kind) {
        self.parameter = parameter
        self.kind = kind
    }

    /// Whether data that fitted may not fit any more. A parameter that is gone is dropped from what is sent.
    package var isBreaking: Bool { kind != .removed }

    package var description: String {
        switch kind {
        case .added(let type): "'\(parameter)' (\(type)) is new"
        case .removed: "'\(parameter)' is gone"
        case .retyped(let old, let new): "'\(parameter)' is now \(new), was \(old)"
        }
    }
}

extension FlowContract {
    /// What changed among the inputs, in the order of this contract, then what is gone.
    package func changes(since old: FlowContract) -> [ContractChange] {
        let changed = inputs.compactMap { parameter -> ContractChange? in
            guard let before = old.input(parameter.name) else {
                return ContractChange(parameter.name, .added(type: parameter.type))
            }
            guard before.type != parameter.type else { return nil }
            return ContractChange(parameter.name, .retyped(from: before.type, to: parameter.type))
        }
        let gone = old.inputs.filter { input($0.name) == nil }.map { ContractChange($0.name, .removed) }
        return changed + gone
    }
}
