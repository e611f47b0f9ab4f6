import Events

extension IntegratorClient {
    package func describedFlow(_ id: String) async throws(IntegratorFailure) -> IntegratorAnswer<IntegratorFlow> {
        let call = IntegratorCall("GET", "/flows/\(id)", action: "read flow \(id)")
        let json = try await json(call)
        guard let flow = IntegratorFlow(json) else { throw unreadable(call) }
        return IntegratorAnswer(flow, json: json)
    }

    /// The flows of the account, or of one integration.
    package func flows(integration: String? = nil) async throws(IntegratorFailure) -> IntegratorAnswer<[IntegratorFlow]>
    {
        let path = integration.map { "/integrations/\($0)/flows" } ?? "/flows"
        let call = IntegratorCall("GET", path, action: "list flows")
        let documents = try await list(call)
        let flows = documents.compactMap(IntegratorFlow.init)
        guard flows.count == documents.count else { throw unreadable(call) }
        return IntegratorAnswer(flows, json: .list(documents))
    }

    /// - Returns: the flow as integrator.io keeps it, its new ID included.
    package func createFlow(_ definition: Value) async throws(IntegratorFailure) -> Value {
        try await json(IntegratorCall("POST", "/flows", json: definition, action: "create a flow"))
    }

    /// Replaces a flow whole: what `definition` leaves out is erased. See `FlowReplacement`.
    package func replaceFlow(_ id: String, erasingTheRest definition: Value) async throws(IntegratorFailure) -> Value {
        try await jsonOrNull(IntegratorCall("PUT", "/flows/\(id)", json: definition, action: "replace flow \(id)"))
    }

    package func patchFlow(_ id: String, _ patch: JSONPatch) async throws(IntegratorFailure) {
        let action = "change flow \(id)"
        guard !patch.replacements.isEmpty else {
            throw IntegratorFailure(action: action, cause: .input("there is nothing to change"))
        }
        if let path = patch.unknownFlowField {
            throw IntegratorFailure(
                action: action,
                cause: .input("integrator.io does not take '\(path)' in a patch; replace the whole flow instead"))
        }
        _ = try await send(IntegratorCall("PATCH", "/flows/\(id)", json: patch.json, action: action))
    }

    /// Switches a flow on or off, and nothing else. An answer that is lost is looked up instead of asked for again.
    package func setEnabled(_ isEnabled: Bool, flow id: String) async throws(IntegratorFailure) {
        let patch = JSONPatch([.init(path: "/disabled", value: .bool(!isEnabled))])
        do {
            try await patchFlow(id, patch)
        } catch {
            guard error.kind == .unknown, let flow = try? await flow(id), flow.disabled != isEnabled else {
                throw error
            }
        }
    }

    package func deleteFlow(_ id: String) async throws(IntegratorFailure) {
        _ = try await send(IntegratorCall("DELETE", "/flows/\(id)", action: "delete flow \(id)"))
    }

    /// Which other resources use the flow, or are used by it.
    package func dependencies(flow id: String) async throws(IntegratorFailure) -> Value {
        try await jsonOrNull(
            IntegratorCall("GET", "/flows/\(id)/dependencies", action: "read what depends on flow \(id)"))
    }

    /// The exports and imports of a flow: `{"exports":[…],"imports":[…]}`.
    package func descendants(flow id: String) async throws(IntegratorFailure) -> Value {
        try await jsonOrNull(IntegratorCall("GET", "/flows/\(id)/descendants", action: "read the steps of flow \(id)"))
    }

    /// Who changed what, newest first.
    package func audit(flow id: String) async throws(IntegratorFailure) -> [Value] {
        try await list(IntegratorCall("GET", "/flows/\(id)/audit", action: "read the change log of flow \(id)"))
    }

    /// Where the flow can be downloaded as a template for a while. The address is its own credential.
    package func template(flow id: String) async throws(IntegratorFailure) -> Secret {
        try await signedURL(
            IntegratorCall("GET", "/flows/\(id)/template", action: "get the template of flow \(id)"))
    }

    /// The lower bound of the next run without a window.
    ///
    /// - Returns: epoch milliseconds; nil when the flow never ran.
    package func lastExportTime(flow id: String) async throws(IntegratorFailure) -> Int64? {
        let json = try await jsonOrNull(
            IntegratorCall(
                "GET", "/flows/\(id)/lastExportDateTime", action: "read how far flow \(id) has exported"))
        return json["lastExportDateTime"]?.text.flatMap(ISOTime.milliseconds)
    }

    /// Lets every step of a flow that uses one connection use another.
    ///
    /// The body is not documented; this one is what the vendor's command line suggests.
    package func replaceConnection(flow id: String, old: String, new: String) async throws(IntegratorFailure) -> Value {
        let body: Fields = ["_connectionId": .string(old), "_newConnectionId": .string(new)]
        return try await jsonOrNull(
            IntegratorCall(
                "PUT", "/flows/\(id)/replaceConnection", json: .record(body),
                action: "replace connection \(old) in flow \(id)"))
    }

    /// Counts of runs of several flows.
    package func runStatistics(flows ids: [String]) async throws(IntegratorFailure) -> Value {
        let body: Fields = ["_flowIds": .list(ids.map(Value.string))]
        return try await jsonOrNull(
            IntegratorCall("POST", "/flows/runs/stats", json: .record(body), action: "read the statistics of runs"))
    }
}
