import Curl
import Events
import FlowMate
import Rules

/// What flows of FlowMate take at this moment, for `rules lint --online`.
package struct OnlineContracts: Sendable {
    private let environment: SinkEnvironment

    package init(environment: SinkEnvironment) { self.environment = environment }

    /// - Returns: by flow; those that cannot be read or name no parameters are left out, and `DestinationCheck` says why.
    package func parameters(_ destination: Destination, flows: [String]) async -> [String: [FlowParameter]] {
        let parts = DestinationParts(destination, secrets: environment.secrets)
        guard destination.kind == .flowmate, parts.findings.isEmpty, parts.auth != nil else { return [:] }
        let client = FlowMateClient(settings: parts.flowMate(destination, environment), http: environment.http)
        var found: [String: [FlowParameter]] = [:]
        for id in Set(flows).sorted() where FlowMateWebhook.isFlowID(id) {
            guard let flow = try? await client.flow(id), let contract = flow.contract, !contract.inputs.isEmpty else {
                continue
            }
            found[id] = contract.inputs.map { FlowParameter($0.name, $0.type) }
        }
        return found
    }

    /// The active flows of active users that name parameters: what `fanOut` may choose.
    ///
    /// - Returns: empty when they cannot be listed; `DestinationCheck` says why.
    package func ownedFlows(_ destination: Destination) async -> [OwnedFlow] {
        let parts = DestinationParts(destination, secrets: environment.secrets)
        guard destination.kind == .flowmate, parts.findings.isEmpty, parts.auth != nil else { return [] }
        let client = FlowMateClient(settings: parts.flowMate(destination, environment), http: environment.http)
        guard let scan = try? await client.scan() else { return [] }
        var directory = FlowDirectory(settings: FlowDirectory.Settings(destination.discovery))
        _ = directory.apply(users: scan.users, scan: scan.flows, at: 0)
        return directory.allFlows.filter { directory.exclusion(of: $0) == nil }.compactMap { flow in
            guard let contract = flow.contract, !contract.inputs.isEmpty else { return nil }
            return OwnedFlow(name: flow.name, parameters: contract.inputs.map { FlowParameter($0.name, $0.type) })
        }
    }
}
