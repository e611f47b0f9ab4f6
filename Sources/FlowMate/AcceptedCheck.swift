/// Holds what FlowMate's webhooks accepted against what FlowMate says it executed.
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

extension FlowMateClient {
    /// Compares one day. What falls short is held against the days around it as well, since FlowMate's day may begin at
    /// another hour than UTC's, and a run may end after midnight.
    ///
    /// - Parameter day: days since 1970.
    /// - Returns: what is short both ways.
    package func compare(
        _ counts: AcceptedCounts, day: Int64, name: (Int64) -> String
    ) async throws(FlowMateError) -> [AcceptedCheck.Shortfall] {
        let accepted = counts.accepted(day...day)
        guard !accepted.isEmpty else { return [] }
        let executed = try await executions(from: name(day), until: name(day), by: .flow)
        let alone = AcceptedCheck(accepted: accepted, executions: executed.content).shortfalls
        guard !alone.isEmpty else { return [] }
        let around = try await executions(from: name(day - 1), until: name(day + 1), by: .flow)
        let wide = AcceptedCheck(accepted: counts.accepted((day - 1)...(day + 1)), executions: around.content)
        let confirmed = Set(wide.shortfalls.map(\.flow))
        return alone.filter { confirmed.contains($0.flow) }
    }
}
