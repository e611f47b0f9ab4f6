/// What to do with a delivery whose webhook answered "does not exist or is inactive", once the flow was read.
package enum FlowState: Sendable, Equatable {
    /// The flow is running: its webhook comes up a little later than its status says.
    case retry(reason: String)
    /// Nil leaves the length to the hold's back-off.
    case hold(reason: String, for: Duration?)
    case park(reason: String)

    /// An `active` flow whose webhook is still missing after this is not merely starting.
    package static let startUp: Duration = .seconds(300)

    /// - Parameters:
    ///   - flow: nil when FlowMate has no flow of this ID.
    ///   - missing: since it was first seen active without its webhook; zero for the first time.
    package static func judge(_ flow: FlowMateFlow?, missing: Duration) -> FlowState {
        guard let flow else {
            return .park(
                reason: "the flow does not exist (any more); correct the rule's flow ID, then `sluice dlq retry --render`")
        }
        if flow.isScheduled {
            return .hold(
                reason: "the flow is scheduled (cron) and has no webhook; make it webhook-driven or change the rule",
                for: nil)
        }
        switch flow.status {
        case "active" where missing < startUp:
            return .retry(reason: "the flow is active but its webhook is not up yet")
        case "active":
            return .hold(
                reason: "the flow is active but its webhook stays unknown; stop and start it in FlowMate",
                for: .seconds(600))
        case "starting": return .hold(reason: "the flow is starting", for: .seconds(15))
        case let status:
            return .hold(reason: "the flow is \(status); start it in FlowMate", for: nil)
        }
    }
}
