import Curl
import Events
import Relay
import Rules

/// `rules lint --online`: holds rules against the flows that they name, as they are now.
struct OnlineLint {
    let environment: SinkEnvironment

    struct Seen {
        /// A line for each destination and flow.
        var results: [CheckResult] = []
        /// What flows take, for the lint: by flow, and by destination those of its users.
        var flows: [String: [FlowParameter]] = [:]
        var ownedFlows: [String: [OwnedFlow]] = [:]
    }

    func look(at rules: RuleSet) async -> Seen {
        let check = DestinationCheck(environment: environment)
        let contracts = OnlineContracts(environment: environment)
        var seen = Seen()
        for destination in rules.destinations.values.sorted(by: { $0.name < $1.name }) where destination.kind != .webhook {
            seen.results += await check.check(destination, of: rules)
            let named = rules.flows(of: destination.name).map(\.id)
            seen.flows.merge(await contracts.parameters(destination, flows: named)) { $1 }
            guard rules.fansOut(to: destination.name) else { continue }
            seen.ownedFlows[destination.name] = await contracts.ownedFlows(destination)
        }
        return seen
    }
}

extension DestinationCheck {
    /// Everything that the rules want of the destination.
    func check(_ destination: Destination, of rules: RuleSet) async -> [CheckResult] {
        let flows = rules.flows(of: destination.name).map { Flow(id: $0.id, exports: $0.exports) }
        return await check(destination, flows: flows, listsUsers: rules.fansOut(to: destination.name))
    }
}

extension RuleSet {
    /// A rule delivers to the flows of a user whom the event names.
    fileprivate func fansOut(to destination: String) -> Bool {
        flowUses(of: destination).contains { use in
            if case .fanOut = use.choice { true } else { false }
        }
    }
}
