/// That a rule delivers to flows of a destination.
package struct FlowUse: Sendable, Hashable {
    package enum Choice: Sendable, Hashable {
        /// By an ID that stands in the rule.
        case flow(String)
        /// By an ID that only the event knows.
        case anyFlow
        /// To each flow of the user that the event names.
        case fanOut(activeOnly: Bool)
    }

    package var rule: String
    package var choice: Choice
}

extension RuleSet {
    /// Which rules deliver to which flows of a FlowMate destination, in the order of the rules.
    package func flowUses(of destination: String) -> [FlowUse] {
        rules.flatMap { rule in
            rule.deliveries.filter { $0.destination == destination }.compactMap { delivery in
                guard case .flow(let spec) = delivery.target else { return nil }
                return FlowUse(rule: rule.id, choice: Self.choice(spec))
            }
        }
    }

    private static func choice(_ spec: FlowSpec) -> FlowUse.Choice {
        switch spec.address {
        case .flow(let id): id.constant.map(FlowUse.Choice.flow) ?? .anyFlow
        case .fanOut(let fanOut): .fanOut(activeOnly: fanOut.activeOnly)
        }
    }
}
