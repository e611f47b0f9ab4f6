import Events

/// How many steps ran. An execution is one step, not one run of a flow.
package struct FlowMateExecutions: Sendable, Equatable {
    package enum Grouping: String, Sendable, CaseIterable { case user, flow, component }

    package struct Row: Sendable, Equatable {
        /// ID of the user, flow or component.
        package var id: String
        package var name: String?
        package var count: Int64

        package init(id: String, name: String? = nil, count: Int64) {
            self.id = id
            self.name = name
            self.count = count
        }
    }

    package var rows: [Row]
    /// Entries in which no count was found: the form of the answer is not documented.
    package var unreadable: Int

    package var total: Int64 { rows.reduce(0) { $0 &+ $1.count } }
}

extension FlowMateExecutions {
    private static let countNames = ["count", "executions", "total", "executionCount", "value"]
    private static let idNames = ["id", "_id", "flowId", "userId", "componentId", "flow", "user", "component"]

    /// A list of objects, bare or under `data`, or an object of numbers.
    init?(_ json: Value) {
        let content = json["data"] ?? json
        if let list = content.list {
            rows = list.compactMap(Self.row)
            unreadable = list.count - rows.count
        } else if let fields = content.fields {
            rows = fields.fields.compactMap { field in
                field.value.integer.map { Row(id: field.name, count: $0) }
            }
            unreadable = fields.fields.count - rows.count
        } else {
            return nil
        }
    }

    private static func row(_ json: Value) -> Row? {
        guard let count = countNames.lazy.compactMap({ json[$0]?.integer }).first,
            let id = idNames.lazy.compactMap({ json[$0]?.text ?? json[$0]?.documentID }).first
        else { return nil }
        return Row(id: id, name: json["name"]?.text ?? json["username"]?.text, count: count)
    }
}

extension FlowMateClient {
    /// Counts of executions between two days, both included, as FlowMate's integration centre shows them.
    ///
    /// - Parameters:
    ///   - start: `2026-11-22`
    ///   - end: the same form.
    package func executions(
        from start: String, until end: String, by grouping: FlowMateExecutions.Grouping
    ) async throws(FlowMateError) -> FlowMateAnswer<FlowMateExecutions> {
        let action = "count executions"
        if let wrong = [start, end].first(where: { !Self.isDay($0) }) {
            throw .input(action, "'\(wrong)' is no day; write it as 2026-11-22")
        }
        guard start <= end else { throw .input(action, "the first day, \(start), is after the last, \(end)") }
        let call = FlowMateCall(
            path: settings.paths.executions, query: [("start", start), ("end", end), ("groupby", grouping.rawValue)],
            action: action)
        let json = try await answer(call)
        guard let executions = FlowMateExecutions(json) else { throw unreadable(call) }
        return FlowMateAnswer(executions, json: json)
    }

    /// The log of one step of a flow, a page of it. Open source only: the hosted platform does not document it.
    package func stepLogs(
        flow: String, step: String, pageSize: Int = 100, pageToken: String? = nil
    ) async throws(FlowMateError) -> Value {
        let action = "read the log of step \(step) of flow \(flow)"
        guard FlowMateWebhook.isFlowID(flow) else { throw .input(action, "a flow ID has 24 hex digits") }
        var query = [("pageSize", String(pageSize))]
        if let pageToken { query.append(("pageToken", pageToken)) }
        let path = "\(settings.paths.flows)/\(flow)/steps/\(FlowMateCall.encoded(step))/logs"
        return try await answer(FlowMateCall(path: path, query: query, action: action))
    }

    package static func isDay(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return false }
        let hasDigits = bytes.enumerated().allSatisfy { index, byte in
            index == 4 || index == 7 || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        let parts = text.split(separator: "-").compactMap { Int($0) }
        return hasDigits && parts.count == 3 && (1...12).contains(parts[1]) && (1...31).contains(parts[2])
    }
}
