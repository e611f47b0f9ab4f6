import Events
import FlowMate
import Rules

/// What flows take, told beforehand instead of asked of FlowMate: for rule tests. Judges as the relay does.
package struct GivenContracts: FlowContracts {
    private let conforms: ConformTable
    /// By the flow's ID.
    private var contracts: [String: FlowContract] = [:]

    /// - Parameter flows: what is sent to others, and to those whose parameters are not told, is not held against anything.
    package init(_ flows: some Sequence<FlowFacts>, rules: RuleSet) {
        conforms = ConformTable(CurrentRules(rules))
        for flow in flows {
            guard let parameters = flow.inputParameters?.fields, !parameters.isEmpty else { continue }
            contracts[flow.id] = FlowContract(
                inputs: parameters.map { parameter in
                    let type = if case .string(let type) = parameter.value { type } else { "" }
                    return FlowContract.Parameter(name: parameter.name, type: type)
                })
        }
    }

    package nonisolated(nonsending) func judge(_ delivery: Delivery, flow: String) async -> ContractJudgement {
        guard let contract = contracts[flow] else { return .send(delivery.body) }
        let check = ContractCheck(conforms.conform(of: delivery, flow: flow))
        let (body, result) = check.check(body: delivery.body, against: contract)
        return result.violations.isEmpty ? .send(body) : .waiting(for: result.violations)
    }

    package func accepted(_ requestID: String, flow: String, destination: String) {}
    package func saw(_ flow: FlowMateFlow?, id: String, destination: String) async {}
}
