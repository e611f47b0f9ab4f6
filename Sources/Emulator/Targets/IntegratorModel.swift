import DequeModule
import Events

/// Celigo integrator.io as far as a relay sees it: flows, runs, jobs, listeners. Pure.
struct IntegratorModel: Sendable {
    struct Timing: Sendable {
        var queuedMilliseconds: Int64 = 300
        var runningMilliseconds: Int64 = 700
    }

    /// The oldest goes when there are more.
    static let maximumJobs = 5000
    static let maximumPage = 1001
    static let maximumListenerBytes = 5 << 20

    let token: String
    let timing: Timing
    /// Newest last.
    private(set) var jobs: Deque<IntegratorJob> = []
    /// How the next runs end; without one a run completes without errors.
    var endings: Deque<IntegratorJob.Ending> = []

    init(token: String, timing: Timing = Timing()) {
        self.token = token
        self.timing = timing
    }

    /// Everything below `/v1` but the listeners.
    ///
    /// - Parameters:
    ///   - now: epoch milliseconds.
    ///   - freshID: 24 hex digits for a new job.
    mutating func answer(_ request: TargetRequest, now: Int64, freshID: String) -> HTTPAnswer {
        guard let bearer = request.bearer, bearer == token else {
            return Self.failure(401, "unauthorized", "Invalid or missing API token.")
        }
        let pieces = request.pieces.dropFirst().map { $0 }
        switch (request.method, pieces.first, pieces.count) {
        case ("GET", "tokenInfo", 1):
            return .json(200, .record(["_userId": .string("65b2f0c2d3e4b5a697886641"), "scope": .string("*")]))
        case ("GET", "flows", 2): return IntegratorCatalogue.flow(pieces[1]).map { .json(200, $0) } ?? Self.notFound
        case ("POST", "flows", 3) where pieces[2] == "run": return run(pieces[1], request, now: now, id: freshID)
        case ("GET", "flows", 4) where pieces[2] == "jobs" && pieces[3] == "latest": return latest(pieces[1], now: now)
        case ("GET", "exports", 2): return IntegratorCatalogue.export(pieces[1]).map { .json(200, $0) } ?? Self.notFound
        case ("GET", "connections", 2):
            return IntegratorCatalogue.connection(pieces[1]).map { .json(200, $0) } ?? Self.notFound
        case ("GET", "jobs", 1): return list(request.query, now: now)
        case ("GET", "jobs", 2): return job(pieces[1]).map { .json(200, jobs[$0].json(at: now)) } ?? Self.notFound
        case ("PUT", "jobs", 3) where pieces[2] == "cancel": return cancel(pieces[1], now: now)
        default: return Self.notFound
        }
    }

    /// `POST` or `PUT /v1/exports/{id}/{token}/data`, or without the token in the path and with a bearer token.
    func listener(_ request: TargetRequest) -> HTTPAnswer {
        let pieces = request.pieces
        guard ["POST", "PUT"].contains(request.method) else {
            return Self.failure(405, "method_not_allowed", "Use POST or PUT.")
        }
        guard pieces.count >= 4, pieces[2] == EmulatorDefaults.integratorListenerExport else { return Self.notFound }
        let given = pieces.count == 5 ? pieces[3] : request.bearer
        guard given == EmulatorDefaults.listenerToken else {
            return Self.failure(401, "unauthorized", "Webhook verification failed.")
        }
        guard request.body.count <= Self.maximumListenerBytes else {
            return Self.failure(413, "payload_too_large", "The request is larger than 5 MB.")
        }
        let type = (request.headers["content-type"] ?? "").prefix { $0 != ";" }.lowercased()
        guard type != "application/json" || (try? JSONReader.parse(request.body)) != nil else {
            return Self.failure(400, "invalid_json", "The request body is not valid JSON.")
        }
        return HTTPAnswer(status: 204)
    }

    static func isListener(_ pieces: [String]) -> Bool {
        (pieces.count == 4 || pieces.count == 5) && pieces[0] == "v1" && pieces[1] == "exports"
            && pieces.last == "data"
    }

    static let notFound = failure(404, "not_found", "The requested resource was not found.")

    static func failure(_ status: Int, _ code: String, _ message: String) -> HTTPAnswer {
        .errors(status, code: .string(code), message)
    }
}

extension IntegratorModel {
    private mutating func run(_ flowID: String, _ request: TargetRequest, now: Int64, id: String) -> HTTPAnswer {
        guard IntegratorCatalogue.flow(flowID) != nil else { return Self.notFound }
        guard IntegratorCatalogue.isEnabled(flowID) else {
            return Self.failure(422, "invalid_flow", "The flow is disabled. Enable it to run it.")
        }
        guard IntegratorCatalogue.canRun(flowID) else {
            return Self.failure(422, "invalid_flow", "A flow with a listener can't be run on demand.")
        }
        guard request.body.isEmpty || (try? JSONReader.parse(request.body)) != nil else {
            return Self.failure(400, "invalid_json", "The request body is not valid JSON.")
        }
        let open = jobs.filter { $0.flowID == flowID && $0.endedAt > now && !$0.isCanceled }
        guard !open.contains(where: { $0.status(at: now) == "queued" }) else {
            return Self.failure(409, "flow_job_already_queued", "A job of this flow is already queued.")
        }
        let start = max(now + timing.queuedMilliseconds, open.map(\.endedAt).max() ?? 0)
        let job = IntegratorJob(
            id: id, flowID: flowID, exportID: EmulatorDefaults.integratorExport, createdAt: now, startedAt: start,
            endedAt: start + timing.runningMilliseconds, ending: endings.popFirst() ?? .completed(errors: 0))
        jobs.append(job)
        if jobs.count > Self.maximumJobs { jobs.removeFirst() }
        return .json(201, .record(["_jobId": .string(id), "_exportId": .string(job.exportID)]))
    }

    private func latest(_ flowID: String, now: Int64) -> HTTPAnswer {
        guard IntegratorCatalogue.flow(flowID) != nil else { return Self.notFound }
        return .json(200, .list(jobs.last { $0.flowID == flowID }.map { [$0.json(at: now)] } ?? []))
    }

    private func job(_ id: String) -> Int? { jobs.firstIndex { $0.id == id } }

    private mutating func cancel(_ id: String, now: Int64) -> HTTPAnswer {
        guard let index = job(id) else { return Self.notFound }
        if jobs[index].endedAt > now {
            jobs[index].isCanceled = true
            jobs[index].endedAt = now
        }
        return .json(200, jobs[index].json(at: now))
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
