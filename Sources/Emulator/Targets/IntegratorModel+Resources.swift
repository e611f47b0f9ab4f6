import Events

/// Exports, imports, connections, integrations, kept values, and listeners.
extension IntegratorModel {
    static let maximumListenerBytes = 5 << 20
    static let maximumStateBytes = 1 << 20

    mutating func answerResource(_ request: TargetRequest, _ pieces: [String]) -> HTTPAnswer {
        guard let all = catalogue.list(pieces[0]) else { return Self.notFound }
        switch (request.method, pieces.count) {
        case ("GET", 1): return Self.page(all.map(Value.record), request)
        case ("GET", 2): return all.first { $0.id == pieces[1] }.map { Self.record(200, $0) } ?? Self.notFound
        case ("POST", 3) where pieces[2] == "invoke" && ["exports", "imports"].contains(pieces[0]):
            guard all.contains(where: { $0.id == pieces[1] }) else { return Self.notFound }
            return invoke(pieces[0], request)
        default: return Self.notFound
        }
    }

    /// Synchronous, without a job.
    private func invoke(_ kind: String, _ request: TargetRequest) -> HTTPAnswer {
        guard kind == "imports" else {
            return .json(200, .list((0..<3).map { .record(["id": .int($0)]) }))
        }
        guard let records = Self.body(request)?.elements else {
            return Self.failure(400, "invalid_json", "An import takes a list of records.")
        }
        return .json(200, .list(records.map { _ in .record(["statusCode": .int(200)]) }))
    }

    func answerIntegration(_ request: TargetRequest, _ id: String, _ what: String) -> HTTPAnswer {
        guard request.method == "GET" else { return Self.notFound }
        let mine = catalogue.flows.filter { $0["_integrationId"] == .string(id) }
        switch what {
        case "flows": return Self.page(mine.map(Value.record), request)
        case "errors":
            return .json(
                200,
                .list(
                    mine.map { flow in
                        let count = errors.count { $0.flowID == flow.id }
                        return .record(["_flowId": .string(flow.id), "numError": .int(Int64(count))])
                    }))
        default: return Self.notFound
        }
    }

    mutating func answerState(_ request: TargetRequest, _ pieces: [String]) -> HTTPAnswer {
        guard let key = pieces.isEmpty ? nil : pieces.joined(separator: "/") else {
            return .json(200, .list(catalogue.state.fields.map { .record(["key": .string($0.name)]) }))
        }
        switch request.method {
        case "GET": return catalogue.state[key].map { .json(200, $0) } ?? Self.notFound
        case "PUT":
            guard let value = Self.body(request), request.body.count <= Self.maximumStateBytes,
                catalogue.state.fields.count < IntegratorCatalogue.maximumDocuments
            else { return Self.failure(400, "invalid_json", "The value is not JSON, or too large.") }
            catalogue.state[key] = value
            return HTTPAnswer(status: 200)
        case "DELETE":
            guard catalogue.state[key] != nil else { return Self.notFound }
            catalogue.state[key] = nil
            return HTTPAnswer(status: 204)
        default: return Self.notFound
        }
    }

    // MARK: Listeners

    static func isListener(_ pieces: [String]) -> Bool {
        (pieces.count == 4 || pieces.count == 5) && pieces[0] == "v1" && pieces[1] == "exports"
            && pieces.last == "data"
    }

    /// `POST` or `PUT /v1/exports/{id}/{token}/data`, or without the token in the path and with a bearer token. What is
    /// posted while the flow is disabled is accepted and lost.
    ///
    /// - Returns: the answer, and the records that the flow got; nil when it got nothing.
    func listener(_ request: TargetRequest) -> (HTTPAnswer, [Value]?) {
        let pieces = request.pieces
        guard ["POST", "PUT"].contains(request.method) else {
            return (Self.failure(405, "method_not_allowed", "Use POST or PUT."), nil)
        }
        guard pieces.count >= 4, pieces[2] == EmulatorDefaults.integratorListenerExport else {
            return (Self.notFound, nil)
        }
        let given = pieces.count == 5 ? pieces[3] : request.bearer
        guard given == EmulatorDefaults.listenerToken else {
            return (Self.failure(401, "unauthorized", "Webhook verification failed."), nil)
        }
        guard request.body.count <= Self.maximumListenerBytes else {
            return (Self.failure(413, "payload_too_large", "The request is larger than 5 MB."), nil)
        }
        let webhook = catalogue.export(EmulatorDefaults.integratorListenerExport)?["webhook"]?.object
        let records: [Value]
        do throws(ListenerContent.Refusal) {
            let content = try ListenerContent.read(request, mediaType: webhook?["requestMediaType"]?.string)
            records = ListenerContent.records(of: content, at: webhook?["pathToRecords"]?.string)
        } catch {
            return (Self.failure(error.status, error.code, error.message), nil)
        }
        let isEnabled = catalogue.flow(EmulatorDefaults.integratorListenerFlow)?["disabled"] == .bool(false)
        return (HTTPAnswer(status: 204), isEnabled ? records : nil)
    }
}
