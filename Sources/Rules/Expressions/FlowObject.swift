import CEL
import Events

/// A FlowMate flow, as far as rules can ask about it.
package struct FlowFacts: Sendable, Hashable {
    /// 24 hex digits.
    package var id: String
    package var name: String
    package var isActive: Bool
    /// Name → type, as FlowMate writes it; nil when its contract is not known.
    package var inputParameters: Fields?

    package init(id: String, name: String = "", isActive: Bool = true, inputParameters: Fields? = nil) {
        self.id = id
        self.name = name
        self.isActive = isActive
        self.inputParameters = inputParameters
    }
}

/// `flow`: of `fanOut.where`, and of bodies under `fanOut`.
final class FlowObject: CELObject {
    let flow: FlowFacts

    init(_ flow: FlowFacts) { self.flow = flow }

    var typeName: String { "flow" }

    /// Parameters that nobody has read yet are absent, so that a condition on them is unknown and not false.
    func member(_ name: CELName) -> CELValue? {
        switch name.text {
        case "id": .string(flow.id)
        case "name": .string(flow.name)
        case "inputParameters": flow.inputParameters.map { .object(CompoundObject($0)) }
        default: nil
        }
    }

    func presentMembers() -> [(name: String, value: CELValue)] {
        RuleNames.flow.compactMap { name, _ in member(CELName(name)).map { (name, $0) } }
    }
}
