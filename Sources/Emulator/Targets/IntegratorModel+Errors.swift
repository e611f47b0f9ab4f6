import Events

/// A record that a run could not bring to its target, and that integrator.io keeps.
struct IntegratorRecordError: Sendable, Equatable {
    var id: String
    var flowID: String
    var jobID: String
    var occurredAt: Int64
    var retryKey: String

    init(job: IntegratorJob, number: Int) {
        id = "err-\(job.id.suffix(8))-\(number)"
        flowID = job.flowID
        jobID = job.id
        occurredAt = job.endedAt
        retryKey = "key-\(job.id.suffix(8))-\(number)"
    }

    var json: Value {
        .record([
            "errorId": .string(id), "occurredAt": .string(EpochText.text(occurredAt)), "source": .string("application"),
            "code": .string("invalid_record"), "message": .string("The ERP refused the record."),
            "traceKey": .string(id), "retryDataKey": .string(retryKey), "_flowJobId": .string(jobID),
            "classification": .string("value"),
        ])
    }
}

/// `/v1/flows/{id}/…errors`, retries, and what is kept of a record.
extension IntegratorModel {
    /// - Parameter pieces: behind the flow's ID.
    mutating func answerErrors(
        _ request: TargetRequest, _ flow: String, _ pieces: [String], _ freshID: String
    ) -> HTTPAnswer {
        let mine = errors.filter { $0.flowID == flow }
        if request.method == "GET", pieces == ["errors"] {
            return .json(
                200,
                .list([
                    .record([
                        "_expOrImpId": .string(EmulatorDefaults.integratorImport), "numError": .int(Int64(mine.count)),
                        "lastErrorAt": mine.last.map { .string(EpochText.text($0.occurredAt)) } ?? .null,
                    ])
                ]))
        }
        guard pieces.count >= 2, pieces[0] == EmulatorDefaults.integratorImport || catalogue.export(pieces[0]) != nil
        else { return Self.notFound }
        let isImport = pieces[0] == EmulatorDefaults.integratorImport
        switch (request.method, pieces.dropFirst().joined(separator: "/")) {
        case ("GET", "errors"):
            return Self.record(200, ["errors": .list(isImport ? mine.map(\.json) : [])])
        case ("POST", "retry"):
            let gone = ids(request, ["retryDataKeys", "errorIds"])
            errors.removeAll { $0.flowID == flow && (gone.contains($0.id) || gone.contains($0.retryKey)) }
            return Self.record(200, ["_jobId": .string(freshID)])
        case ("PUT", "resolved"):
            guard Self.body(request)?.object?["errors"] != nil else {
                return Self.failure(422, "missing_required_field", "errors is required.")
            }
            let gone = ids(request, ["errors"])
            errors.removeAll { $0.flowID == flow && gone.contains($0.id) }
            return HTTPAnswer(status: 204)
        case ("GET", _) where pieces.count == 3 && pieces[2] == "data":
            guard let error = mine.first(where: { $0.retryKey == pieces[1] }) else { return Self.notFound }
            return Self.record(200, ["data": .record(["id": .string(error.id)])])
        default: return Self.notFound
        }
    }

    private func ids(_ request: TargetRequest, _ names: [String]) -> Set<String> {
        let body = Self.body(request)?.object
        return Set(names.flatMap { (body?[$0]?.elements ?? []).compactMap(\.string) })
    }
}
