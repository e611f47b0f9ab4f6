import Events

extension IntegratorClient {
    /// What an account is made of.
    package enum Resource: String, Sendable, CaseIterable {
        case flows, exports, imports, connections, integrations

        package var singular: String { String(rawValue.dropLast()) }
    }

    /// Which fields a list shows; integrator.io takes one or the other.
    package enum Projection: Sendable, Equatable {
        case include([String])
        case exclude([String])

        var query: [(name: String, value: String)] {
            switch self {
            case .include(let fields): [("include", fields.joined(separator: ","))]
            case .exclude(let fields): [("exclude", fields.joined(separator: ","))]
            }
        }
    }

    /// All resources of one kind, as integrator.io describes them. Secrets in them are masked by integrator.io.
    package func all(_ resource: Resource, _ projection: Projection? = nil) async throws(IntegratorFailure) -> [Value] {
        try await list(
            IntegratorCall(
                "GET", "/\(resource.rawValue)", query: projection?.query ?? [], action: "list \(resource.rawValue)"))
    }

    package func read(_ resource: Resource, _ id: String) async throws(IntegratorFailure) -> Value {
        try await json(
            IntegratorCall("GET", "/\(resource.rawValue)/\(id)", action: "read \(resource.singular) \(id)"))
    }

    /// Runs an export or import by itself and waits for its outcome: no job, no dashboard entry, no retry.
    ///
    /// - Parameters:
    ///   - resource: `.exports` or `.imports`.
    ///   - records: for an import, a list.
    /// - Returns: records of an export, or the outcome of each record of an import.
    package func invoke(
        _ resource: Resource, _ id: String, records: Value? = nil
    ) async throws(IntegratorFailure) -> Value {
        precondition(resource == .exports || resource == .imports, "only exports and imports can be invoked")
        let action = "invoke \(resource.singular) \(id)"
        let path = "/\(resource.rawValue)/\(id)/invoke"
        guard let records else { return try await jsonOrNull(IntegratorCall("POST", path, action: action)) }
        guard resource == .exports || records.list != nil else {
            throw IntegratorFailure(action: action, cause: .input("an import takes a list of records"))
        }
        return try await jsonOrNull(IntegratorCall("POST", path, json: records, action: action))
    }

    // MARK: State

    /// The keys under which flows and scripts of the account keep values.
    package func stateKeys() async throws(IntegratorFailure) -> Value {
        try await jsonOrNull(IntegratorCall("GET", "/state", action: "list the state keys"))
    }

    package func state(_ key: String) async throws(IntegratorFailure) -> Value {
        try await jsonOrNull(IntegratorCall("GET", statePath(key), action: "read state '\(key)'"))
    }

    package func setState(_ key: String, _ value: Value) async throws(IntegratorFailure) {
        _ = try await send(IntegratorCall("PUT", statePath(key), json: value, action: "set state '\(key)'"))
    }

    package func deleteState(_ key: String) async throws(IntegratorFailure) {
        _ = try await send(IntegratorCall("DELETE", statePath(key), action: "delete state '\(key)'"))
    }

    private func statePath(_ key: String) -> String { "/state/\(IntegratorCall.encoded(key))" }
}
