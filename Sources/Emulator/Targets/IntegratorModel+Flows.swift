import Events

/// `/v1/flows…`
extension IntegratorModel {
    mutating func answerFlows(
        _ request: TargetRequest, _ pieces: [String], now: Int64, freshID: String
    ) -> HTTPAnswer {
        switch (request.method, pieces.count) {
        case ("GET", 0): return Self.page(catalogue.flows.map(Value.record), request)
        case ("POST", 0): return create(request, now, freshID)
        case ("POST", 2) where pieces == ["runs", "stats"]: return statistics(request)
        default: break
        }
        guard let id = pieces.first, let index = catalogue.index(ofFlow: id) else { return Self.notFound }
        let flow = catalogue.flows[index]
        switch (request.method, pieces.dropFirst().joined(separator: "/")) {
        case ("GET", ""): return Self.record(200, flow)
        case ("PUT", ""): return replace(index, request, now)
        case ("PATCH", ""): return patch(index, request, now)
        case ("DELETE", ""):
            catalogue.flows.remove(at: index)
            return HTTPAnswer(status: 204)
        case ("POST", "run"): return run(flow, request, now: now, id: freshID)
        case ("POST", "clone"): return clone(flow, request, now, freshID)
        case ("PUT", "replaceConnection"): return Self.record(200, flow)
        case ("GET", "audit"): return Self.page([], request)
        case ("GET", "template"):
            return Self.record(200, ["signedURL": .string("https://files.example/\(id).zip?sig=x")])
        case ("GET", "dependencies"), ("GET", "descendants"): return Self.record(200, descendants(flow))
        case ("GET", "lastExportDateTime"):
            return Self.record(200, watermarks[id].map { ["lastExportDateTime": .string(EpochText.text($0))] } ?? [:])
        case ("GET", "jobs/latest"): return latest(id, now: now)
        default: return answerErrors(request, id, Array(pieces.dropFirst()), freshID)
        }
    }

    // MARK: Definitions

    private static let patchable: Set<String> = [
        "name", "description", "schedule", "timezone", "disabled", "runPageGeneratorsInParallel", "aliases",
    ]

    private mutating func create(_ request: TargetRequest, _ now: Int64, _ id: String) -> HTTPAnswer {
        guard case .record(var flow)? = Self.body(request), flow["name"]?.string != nil else {
            return Self.failure(422, "missing_required_field", "name is required.")
        }
        guard catalogue.flows.count < IntegratorCatalogue.maximumDocuments else {
            return Self.failure(403, "limit_reached", "There are too many flows.")
        }
        flow["_id"] = .string(id)
        flow["createdAt"] = .string(EpochText.text(now))
        flow["lastModified"] = flow["createdAt"]
        catalogue.flows.append(flow)
        return Self.record(201, flow)
    }

    /// What the new definition leaves out is gone.
    private mutating func replace(_ index: Int, _ request: TargetRequest, _ now: Int64) -> HTTPAnswer {
        guard case .record(var flow)? = Self.body(request) else {
            return Self.failure(400, "invalid_json", "The request body is not a JSON object.")
        }
        flow["_id"] = catalogue.flows[index]["_id"]
        flow["createdAt"] = catalogue.flows[index]["createdAt"]
        flow["lastModified"] = .string(EpochText.text(now))
        catalogue.flows[index] = flow
        return Self.record(200, flow)
    }

    private mutating func patch(_ index: Int, _ request: TargetRequest, _ now: Int64) -> HTTPAnswer {
        guard let operations = Self.body(request)?.elements else {
            return Self.failure(400, "invalid_json", "A patch is a list of operations.")
        }
        var flow = catalogue.flows[index]
        for operation in operations {
            guard operation.object?["op"] == .string("replace"), let path = operation.object?["path"]?.string,
                path.hasPrefix("/"), Self.patchable.contains(String(path.dropFirst())),
                let value = operation.object?["value"]
            else { return Self.failure(422, "invalid_field", "Only replace, and only of certain fields.") }
            flow[String(path.dropFirst())] = value
        }
        flow["lastModified"] = .string(EpochText.text(now))
        catalogue.flows[index] = flow
        return HTTPAnswer(status: 204)
    }

    private mutating func clone(_ flow: Fields, _ request: TargetRequest, _ now: Int64, _ id: String) -> HTTPAnswer {
        guard let body = Self.body(request)?.object, body["_integrationId"]?.string != nil else {
            return Self.failure(400, "invalid_ref", "_integrationId is required.")
        }
        let mapped = Set((body["connectionMap"]?.object?.fields ?? []).map(\.name))
        guard catalogue.connections(of: flow).allSatisfy(mapped.contains) else {
            return Self.failure(400, "invalid_connectionMap", "Every connection of the flow must be mapped.")
        }
        var copy = flow
        copy["_id"] = .string(id)
        copy["name"] = body["name"] ?? .string("Copy of \(flow["name"]?.string ?? "")")
        copy["_integrationId"] = body["_integrationId"]
        copy["createdAt"] = .string(EpochText.text(now))
        catalogue.flows.append(copy)
        return .json(
            201, .list([.record(["model": .string("Flow"), "_id": .string(id), "name": copy["name"] ?? .null])]))
    }

    private func descendants(_ flow: Fields) -> Fields {
        let sources = IntegratorCatalogue.sources(flow)
        return [
            "exports": .list(catalogue.exports.filter { sources.contains($0.id) }.map(Value.record)),
            "imports": .list(catalogue.imports.map(Value.record)),
        ]
    }

    private func statistics(_ request: TargetRequest) -> HTTPAnswer {
        let ids = (Self.body(request)?.object?["_flowIds"]?.elements ?? []).compactMap(\.string)
        return .json(
            200,
            .list(
                ids.map { id in
                    .record(["_flowId": .string(id), "runs": .int(Int64(jobs.count { $0.flowID == id }))])
                }))
    }

    // MARK: Runs

    private mutating func run(_ flow: Fields, _ request: TargetRequest, now: Int64, id: String) -> HTTPAnswer {
        guard flow["disabled"] != .bool(true) else {
            return Self.failure(422, "invalid_flow", "The flow is disabled. Enable it to run it.")
        }
        guard flow["isAbstract"] != .bool(true) else {
            return Self.failure(422, "invalid_flow", "An abstract flow can't be run.")
        }
        let sources = IntegratorCatalogue.sources(flow).compactMap(catalogue.export)
        guard !sources.contains(where: { $0["type"] == .string("webhook") }) else {
            return Self.failure(422, "invalid_flow", "A flow with a listener can't be run on demand.")
        }
        guard let body = Self.body(request) else {
            return Self.failure(400, "invalid_json", "The request body is not valid JSON.")
        }
        let isHeld = catalogue.isOffline(flow)
        let open = jobs.filter { $0.flowID == flow.id && $0.isOpen(at: now) }
        guard !open.contains(where: { $0.status(at: now) == "queued" }) else {
            return Self.failure(409, "flow_job_already_queued", "A job of this flow is already queued.")
        }
        let start = max(now + timing.queuedMilliseconds, open.map(\.endedAt).max() ?? 0)
        var job = IntegratorJob(
            id: id, flowID: flow.id, exportID: sources.first?.id ?? EmulatorDefaults.integratorExport, createdAt: now,
            startedAt: start, endedAt: start + timing.runningMilliseconds,
            ending: endings.popFirst() ?? .completed(errors: 0))
        let window = Self.window(body)
        job.until = window.until ?? now
        job.isHeld = isHeld
        let isDelta = sources.contains { $0["type"] == .string("delta") }
        if let records {
            let from = isDelta ? window.from ?? watermarks[flow.id] ?? .min : .min
            let until = isDelta ? job.until : .max
            // A lower bound excludes, as the usual `>` does.
            job.records = Int64(records.count { $0 > from && $0 <= until })
        }
        jobs.append(job)
        if jobs.count > Self.maximumJobs { jobs.removeFirst() }
        return .json(201, .record(["_jobId": .string(id), "_exportId": .string(job.exportID)]))
    }

    /// Both forms in which a window is sent.
    private static func window(_ body: Value) -> (from: Int64?, until: Int64?) {
        let place = body.object?["export"]?.object ?? body.object
        func time(_ name: String) -> Int64? { place?[name]?.string.flatMap(EpochText.milliseconds) }
        return (time("startDate"), time("endDate"))
    }

    private func latest(_ flowID: String, now: Int64) -> HTTPAnswer {
        let last = jobs.last { $0.flowID == flowID }
        return .json(200, .list(last.map { [$0.json(at: now)] } ?? []))
    }
}
