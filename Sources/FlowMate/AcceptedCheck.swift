/// Holds what FlowMate's webhooks accepted in a day against what FlowMate says it executed.
///
/// FlowMate answers 200 before an event is stored, so an outage inside can lose it without a trace. This is the only
/// place where such a loss shows.
package struct AcceptedCheck: Sendable, Equatable {
    package struct Shortfall: Sendable, Equatable, CustomStringConvertible {
        package var flow: String
        package var accepted: Int64
        package var executions: Int64

        package var description: String {
            "flow \(flow) accepted \(accepted) events and executed \(executions) steps: at least "
                + "\(accepted - executions) of the events are lost inside FlowMate"
        }
    }

    /// In order of flow IDs. An execution is one step of a flow, so a count below the accepted events proves a loss,
    /// and a count above them proves nothing.
    package let shortfalls: [Shortfall]

    /// - Parameters:
    ///   - accepted: distinct deliveries that FlowMate answered with its receipt, by flow.
    ///   - executions: of the same days, grouped by flow.
    package init(accepted: [String: Int64], executions: FlowMateExecutions) {
        var counts: [String: Int64] = [:]
        for row in executions.rows { counts[row.id, default: 0] += row.count }
        shortfalls = accepted.sorted { $0.key < $1.key }.compactMap { flow, accepted in
            let executed = counts[flow] ?? 0
            return executed < accepted ? Shortfall(flow: flow, accepted: accepted, executions: executed) : nil
        }
    }
}
