import Events

/// `/v1/jobs…`
extension IntegratorModel {
    mutating func answerJobs(_ request: TargetRequest, _ pieces: [String], now: Int64) -> HTTPAnswer {
        switch (request.method, pieces.count) {
        case ("GET", 0): return list(request.query, now: now)
        case ("POST", 1) where pieces[0] == "current": return current(request, now)
        default: break
        }
        guard let id = pieces.first, let index = jobs.firstIndex(where: { $0.id == id }) else { return Self.notFound }
        switch (request.method, pieces.dropFirst().joined(separator: "/")) {
        case ("GET", ""): return .json(200, jobs[index].json(at: now))
        case ("PUT", "cancel"):
            if jobs[index].isOpen(at: now) {
                jobs[index].isCanceled = true
                jobs[index].isHeld = false
                jobs[index].endedAt = now
            }
            return .json(200, jobs[index].json(at: now))
        case ("GET", "diagnostics"), ("GET", "errorFile/signedURL"):
            return Self.record(200, ["signedURL": .string("https://files.example/\(id)?sig=x")])
        case ("GET", "joberrors"):
            return Self.page(errors.filter { $0.jobID == id }.map(\.json), request)
        default: return Self.notFound
        }
    }

    private func current(_ request: TargetRequest, _ now: Int64) -> HTTPAnswer {
        let flow = Self.body(request)?.object?["_flowId"]?.string
        let open = jobs.filter { $0.isOpen(at: now) && (flow == nil || flow == $0.flowID) }
        return open.isEmpty ? HTTPAnswer(status: 204) : .json(200, .list(open.map { $0.json(at: now) }))
    }

    private func list(_ query: [String: String], now: Int64) -> HTTPAnswer {
        let needed = [
            "_integrationId", "_flowId", "_exportId", "_importId", "_flowJobId", "createdAt_gte", "createdAt_lte",
        ]
        guard needed.contains(where: { query[$0] != nil }) else {
            return Self.failure(400, "invalid_query", "One of \(needed.joined(separator: ", ")) is required.")
        }
        guard let from = Self.time(query["createdAt_gte"], default: .min),
            let until = Self.time(query["createdAt_lte"], default: .max)
        else { return Self.failure(400, "invalid_query", "createdAt_gte and createdAt_lte must be dates.") }
        guard from <= until else { return .json(200, .list([])) }
        let chosen = jobs.reversed().lazy.filter { job in
            query["_flowId"].map { $0 == job.flowID } ?? true && query["_exportId"].map { $0 == job.exportID } ?? true
                && query["_integrationId"].map { $0 == EmulatorDefaults.integratorIntegration } ?? true
                && query["status"].map { $0 == job.status(at: now) } ?? true
                && query["_importId"] == nil && query["_flowJobId"] == nil && (from...until).contains(job.createdAt)
        }
        return .json(200, .list(chosen.prefix(Self.maximumPage).map { $0.json(at: now) }))
    }

    /// A date, a time or epoch milliseconds. Nil for anything else.
    private static func time(_ text: String?, default fallback: Int64) -> Int64? {
        guard let text else { return fallback }
        return Int64(text) ?? EpochText.milliseconds(text)
    }
}
