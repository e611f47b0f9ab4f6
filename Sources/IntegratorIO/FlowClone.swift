import Events

/// What a copy of a flow is to be.
package struct FlowClone: Sendable, Equatable {
    /// Where the copy goes.
    package var integration: String
    package var name: String?
    package var grouping: String?
    /// Old connection to new; every connection of the flow must be in it, identity allowed.
    package var connections: [String: String]

    package init(integration: String, name: String? = nil, connections: [String: String] = [:]) {
        self.integration = integration
        self.name = name
        self.connections = connections
    }

    var json: Value {
        let map = connections.sorted { $0.key < $1.key }.map { Fields.Field(name: $0.key, value: .string($0.value)) }
        var fields: Fields = ["connectionMap": .record(Fields(map)), "_integrationId": .string(integration)]
        fields["name"] = name.map(Value.string)
        fields["_flowGroupingId"] = grouping.map(Value.string)
        return .record(fields)
    }
}

extension IntegratorClient {
    /// The connections that a flow's sources and steps use, each once, in their order.
    package func connections(of flow: IntegratorFlow) async throws(IntegratorFailure) -> [String] {
        var found: [String] = []
        for id in flow.exports { found += [try await export(id).connection].compactMap(\.self) }
        for step in flow.steps {
            let path =
                switch step {
                case .importer(let id): "/imports/\(id)"
                case .lookup(let id): "/exports/\(id)"
                }
            let json = try await json(IntegratorCall("GET", path, action: "read a step of flow \(flow.id)"))
            found += [json["_connectionId"]?.text].compactMap(\.self)
        }
        var seen: Set<String> = []
        return found.filter { seen.insert($0).inserted }
    }

    /// Copies a flow. Connections that the map does not name are kept, since integrator.io refuses a map with gaps.
    ///
    /// - Returns: the new flow, or a list with every resource that was made.
    package func clone(flow id: String, _ clone: FlowClone) async throws(IntegratorFailure) -> Value {
        var clone = clone
        for connection in try await connections(of: try await flow(id)) where clone.connections[connection] == nil {
            clone.connections[connection] = connection
        }
        return try await json(
            IntegratorCall("POST", "/flows/\(id)/clone", json: clone.json, action: "clone flow \(id)"))
    }

    /// The ID of the flow in the answer of `clone`.
    package static func clonedFlow(_ answer: Value) -> String? {
        if let list = answer.list {
            return list.first { $0["model"]?.text?.lowercased() == "flow" }?["_id"]?.text
        }
        return answer["_id"]?.text
    }
}
