import Events
import FlowMate

/// Holds deliveries against what their flows take, before they are sent: FlowMate itself accepts anything with 200.
package protocol FlowContracts: Sendable {
    nonisolated(nonsending) func judge(_ delivery: Delivery, flow: String) async -> ContractJudgement

    /// FlowMate took a delivery, and answered with its receipt.
    func accepted(_ requestID: String, flow: String, destination: String)

    /// A flow was read for another reason, such as a webhook that answered 404.
    ///
    /// - Parameter flow: nil when FlowMate has none of this ID.
    func saw(_ flow: FlowMateFlow?, id: String, destination: String) async
}

package enum ContractJudgement: Sendable, Equatable {
    /// What is sent: byte for byte what was rendered, unless keys that the flow does not list are dropped.
    case send([UInt8])
    /// It does not fit until the flow or the rule changes. Names parameters, never values.
    case wait(reason: String)
    /// What the flow takes could not be read, which may pass.
    case later(reason: String)

    static func waiting(for violations: [ContractViolation]) -> ContractJudgement {
        let reason = violations.map(\.description).joined(separator: "; ")
        return .wait(reason: "\(reason); it goes on by itself once the flow or the rule is mended")
    }
}

extension FlowFinder: FlowContracts {
    /// Between two reads of a flow that something does not fit.
    static let rereadMilliseconds: Int64 = 10_000
    /// A contract that was read so long ago is read again, beside the deliveries that still use it.
    static let freshMilliseconds: Int64 = 300_000
    /// How long a delivery that does not fit waits until it is looked at again, unless the flow changes sooner.
    package static let violationWait: Duration = .seconds(60)
    /// How long deliveries wait for the first reading of a flow; then they are sent unchecked: the webhook may work where
    /// the API does not.
    static let unreadMilliseconds: Int64 = 300_000

    package nonisolated func accepted(_ requestID: String, flow: String, destination: String) {
        tally.accept(requestID, flow: flow, destination: destination, at: environment.clock.wall())
    }

    package nonisolated(nonsending) func judge(_ delivery: Delivery, flow: String) async -> ContractJudgement {
        let check = ContractCheck(conforms.conform(of: delivery, flow: flow))
        guard check.mode != .off else { return .send(delivery.body) }
        let place = FlowPlace(destination: delivery.destination, flow: flow)
        let first: FlowContract
        switch await contract(at: place, noOlderThan: nil) {
        case .known(let contract): first = contract
        case .later(let reason) where check.mode == .strict: return .later(reason: reason)
        case .later, .none: return .send(delivery.body)
        }
        var (body, result) = check.check(body: delivery.body, against: first)
        if !result.violations.isEmpty,
            case .known(let fresh) = await contract(at: place, noOlderThan: Self.rereadMilliseconds)
        {
            (body, result) = check.check(body: delivery.body, against: fresh)
        }
        guard result.violations.isEmpty else {
            let reason = result.violations.map(\.description).joined(separator: "; ")
            await violated(place, rule: delivery.rule, reason)
            return .waiting(for: result.violations)
        }
        if !result.warnings.isEmpty {
            await doubted(place, rule: delivery.rule, result.warnings.map(\.description).joined(separator: "; "))
        }
        return .send(body)
    }
}
