import Curl
import Events
import Relay
import Rules

/// `rules lint --online`: holds rules against the flows that they name, as they are now.
struct OnlineLint {
    let environment: SinkEnvironment

    /// - Returns: a line for each destination and flow, and what flows take, for the lint.
    func look(at rules: RuleSet) async -> (results: [CheckResult], flows: [String: [FlowParameter]]) {
        let check = DestinationCheck(environment: environment)
        var results: [CheckResult] = []
        var flows: [String: [FlowParameter]] = [:]
        for destination in rules.destinations.values.sorted(by: { $0.name < $1.name }) where destination.kind != .webhook {
            results += await check.check(destination, of: rules)
            let named = rules.flows(of: destination.name).map(\.id)
            flows.merge(await OnlineContracts(environment: environment).parameters(destination, flows: named)) { $1 }
        }
        return (results, flows)
    }
}

extension DestinationCheck {
    /// Everything that the rules want of the destination.
    func check(_ destination: Destination, of rules: RuleSet) async -> [CheckResult] {
        let listsUsers = rules.flowUses(of: destination.name).contains { use in
            if case .fanOut = use.choice { true } else { false }
        }
        let flows = rules.flows(of: destination.name).map { Flow(id: $0.id, exports: $0.exports) }
        return await check(destination, flows: flows, listsUsers: listsUsers)
    }
}
