/// A flow that rules name literally.
package struct NamedFlow: Sendable, Hashable {
    package var id: String
    /// Sources to run; empty means all.
    package var exports: [String]
}

extension RuleSet {
    /// The flows of a destination that rules post to or run, without those that only an event can name.
    package func flows(of destination: String) -> [NamedFlow] {
        var flows: [NamedFlow] = []
        for delivery in rules.flatMap(\.deliveries) where delivery.destination == destination {
            let flow: NamedFlow?
            switch delivery.target {
            case .flow(let spec):
                guard case .flow(let id) = spec.address else { continue }
                flow = id.constant.map { NamedFlow(id: $0, exports: []) }
            case .run(let run): flow = run.flow.constant.map { NamedFlow(id: $0, exports: run.exports) }
            case .webhook, .listener: flow = nil
            }
            if let flow, !flows.contains(flow) { flows.append(flow) }
        }
        return flows
    }
}
