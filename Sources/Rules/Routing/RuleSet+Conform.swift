/// How deliveries of a rule to flows of FlowMate are held against what the flows take.
package struct FlowConform: Sendable, Hashable {
    package var destination: String
    /// Nil when only the event knows it.
    package var flow: String?
    package var conform: Conform
}

extension RuleSet {
    /// By the rule's ID, in the order of its deliveries.
    package var flowConforms: [String: [FlowConform]] {
        var all: [String: [FlowConform]] = [:]
        for rule in rules {
            for delivery in rule.deliveries {
                guard case .flow(let spec) = delivery.target else { continue }
                var flow: String?
                if case .flow(let id) = spec.address { flow = id.constant }
                all[rule.id, default: []].append(
                    FlowConform(destination: delivery.destination, flow: flow, conform: spec.conform))
            }
        }
        return all
    }
}
