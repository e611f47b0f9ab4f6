extension FlowMateClient {
    /// Reads the users, then the flows, for a directory. Flows of every status, since rules may want those that are
    /// switched off, and since a flow that is shown as inactive is better than one that is not shown.
    package func scan() async throws(FlowMateError) -> (users: [FlowMateUser], flows: FlowMateFlowScan) {
        let users = try await users().content
        var filter = FlowMateFlowFilter()
        // New flows come last, so that a flow made during the scan does not shift those before it.
        filter.order = .createdAt
        return (users, try await flows(filter).content)
    }
}
