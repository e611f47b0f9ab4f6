import Events

/// The order of a flow's steps.
enum FlowGraph {
    /// The step that gets the webhook's data: the one that no edge leads to.
    ///
    /// - Returns: nil when several steps are not joined at all, or every step has an edge to it.
    static func firstNode(of flow: Value) -> Value? {
        let nodes = flow["graph"]?["nodes"]?.list ?? []
        if nodes.count == 1 { return nodes[0] }
        let edges = flow["graph"]?["edges"]?.list ?? []
        guard !edges.isEmpty else { return nil }
        let targets = Set(edges.compactMap { $0["target"]?.text })
        return nodes.first { node in node.documentID.map { !targets.contains($0) } ?? false }
    }
}
