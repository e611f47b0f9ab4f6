import Events

extension IntegratorClient {
    /// Open errors by step of a flow.
    package func errorCounts(flow id: String) async throws(IntegratorFailure) -> IntegratorAnswer<
        [IntegratorErrorCount]
    > {
        try await counts(IntegratorCall("GET", "/flows/\(id)/errors", action: "count the errors of flow \(id)"))
    }

    /// Open errors by flow of an integration.
    package func errorCounts(
        integration id: String
    ) async throws(IntegratorFailure) -> IntegratorAnswer<[IntegratorErrorCount]> {
        try await counts(
            IntegratorCall("GET", "/integrations/\(id)/errors", action: "count the errors of integration \(id)"))
    }

    /// The open errors of one step (an export or import) of a flow.
    ///
    /// - Parameter limit: later ones are not read.
    package func errors(
        flow: String, step: String, _ filter: IntegratorErrorFilter = IntegratorErrorFilter(), limit: Int = 10_000
    ) async throws(IntegratorFailure) -> IntegratorAnswer<[IntegratorRecordError]> {
        let call = IntegratorCall(
            "GET", path(flow, step) + "/errors", query: filter.query, action: "list the errors of flow \(flow)")
        var documents: [Value] = []
        var url: String? = settings.root + call.target
        // This list names its next page in the body.
        for _ in 0..<Self.maximumPages {
            guard let current = url, documents.count < limit else { break }
            let response = try await send(call, url: current)
            if response.status == 204 || response.body.isEmpty { break }
            let page = try parsed(response, call)
            guard let errors = page["errors"]?.list else { throw unreadable(call) }
            documents += errors
            let next = page["nextPageURL"]?.text ?? LinkHeader.next(response.headers(named: "Link"))
            url = try next.map { (target) throws(IntegratorFailure) in try following(target, call) }
            if url == current { break }
        }
        documents = Array(documents.prefix(limit))
        return IntegratorAnswer(documents.compactMap(IntegratorRecordError.init), json: .list(documents))
    }

    /// The record that a failed attempt kept.
    package func retryData(flow: String, step: String, key: String) async throws(IntegratorFailure) -> Value {
        try await jsonOrNull(
            IntegratorCall(
                "GET", "\(path(flow, step))/\(IntegratorCall.encoded(key))/data",
                action: "read a failed record of flow \(flow)"))
    }

    /// Which errors to try again.
    package enum Retry: Sendable, Equatable {
        case keys([String])
        case errors([String])

        var json: Value {
            switch self {
            case .keys(let keys): .record(["retryDataKeys": .list(keys.map(Value.string))])
            case .errors(let ids): .record(["errorIds": .list(ids.map(Value.string))])
            }
        }
    }

    /// Lets integrator.io try records again; a job of type `retry` does it.
    ///
    /// - Returns: what integrator.io says, null for nothing.
    package func retry(flow: String, step: String, _ retry: Retry) async throws(IntegratorFailure) -> Value {
        try await jsonOrNull(
            IntegratorCall(
                "POST", path(flow, step) + "/retry", json: retry.json, action: "retry errors of flow \(flow)"))
    }

    /// Marks errors as settled, without doing anything about them.
    package func resolve(flow: String, step: String, errors: [String]) async throws(IntegratorFailure) {
        let body: Fields = [settings.resolveKey.rawValue: .list(errors.map(Value.string))]
        _ = try await send(
            IntegratorCall(
                "PUT", path(flow, step) + "/resolved", json: .record(body), action: "resolve errors of flow \(flow)"))
    }

    private func path(_ flow: String, _ step: String) -> String { "/flows/\(flow)/\(step)" }

    /// A list, or an object that holds one.
    private func counts(
        _ call: IntegratorCall
    ) async throws(IntegratorFailure) -> IntegratorAnswer<[IntegratorErrorCount]> {
        let json = try await jsonOrNull(call)
        let documents = json.list ?? json.fields?.fields.lazy.compactMap(\.value.list).first ?? []
        return IntegratorAnswer(documents.compactMap(IntegratorErrorCount.init), json: .list(documents))
    }
}
