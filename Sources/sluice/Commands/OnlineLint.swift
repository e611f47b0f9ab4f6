import Curl
import Events
import Relay
import Rules

/// Holds rules against the flows that they name, as they are now: for `rules lint --online` and `doctor`.
struct OnlineLint {
    let environment: SinkEnvironment

    /// What flows take, for the lint: by flow, and by destination those of its users.
    struct Contracts {
        var flows: [String: [FlowParameter]] = [:]
        var ownedFlows: [String: [OwnedFlow]] = [:]

        /// - Parameter schema: what is known of the org.
        func adding(to schema: OrgSchema?) -> OrgSchema {
            OrgSchema(
                entities: schema.map { Array($0.entities.values) } ?? [],
                flows: (schema?.flows ?? [:]).merging(flows) { $1 }, ownedFlows: ownedFlows)
        }
    }

    /// - Returns: a line for each destination and flow.
    func check(_ rules: RuleSet) async -> [CheckResult] {
        let check = DestinationCheck(environment: environment)
        var results: [CheckResult] = []
        for destination in platforms(rules) { results += await check.check(destination, of: rules) }
        return results
    }

    func contracts(of rules: RuleSet) async -> Contracts {
        let online = OnlineContracts(environment: environment)
        var contracts = Contracts()
        for destination in platforms(rules) {
            let named = rules.flows(of: destination.name).map(\.id)
            contracts.flows.merge(await online.parameters(destination, flows: named)) { $1 }
            guard rules.fansOut(to: destination.name) else { continue }
            contracts.ownedFlows[destination.name] = await online.ownedFlows(destination)
        }
        return contracts
    }

    private func platforms(_ rules: RuleSet) -> [Destination] {
        rules.destinations.values.filter { $0.kind != .webhook }.sorted { $0.name < $1.name }
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
