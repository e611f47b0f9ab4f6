import DequeModule
import Events

/// Celigo integrator.io as its API shows it: flows, runs one at a time, jobs, record errors, listeners. Pure.
///
/// With its traps: 204 for empty lists, a PUT that erases, runs that stay queued, `completed` with errors, an account's
/// bucket that answers 429, windows that only delta exports look at.
struct IntegratorModel: Sendable {
    struct Timing: Sendable {
        var queuedMilliseconds: Int64 = 300
        var runningMilliseconds: Int64 = 700
    }

    /// The account's leaky bucket.
    struct Bucket: Sendable {
        var burst = 1000.0
        /// Requests a second.
        var refill = 300.0
        private var used = 0.0
        private var at: Int64 = 0

        init(burst: Double = 1000, refill: Double = 300) {
            self.burst = burst
            self.refill = refill
        }

        /// - Returns: whole seconds to wait; nil when the request may pass.
        mutating func take(_ now: Int64) -> Int64? {
            used = max(0, used - Double(max(0, now - at)) / 1000 * refill)
            at = now
            guard used + 1 <= burst else { return max(1, Int64(((used + 1 - burst) / refill).rounded(.up))) }
            used += 1
            return nil
        }
    }

    /// The oldest goes when there are more.
    static let maximumJobs = 5000
    static let maximumErrors = 10_000
    static let maximumPage = 1001
    static let listPage = 100

    let token: String
    let timing: Timing
    var bucket: Bucket
    var catalogue = IntegratorCatalogue()
    /// Newest last.
    var jobs: Deque<IntegratorJob> = []
    /// How the next runs end; without one a run completes without errors.
    var endings: Deque<IntegratorJob.Ending> = []
    /// Open record errors, newest last.
    var errors: Deque<IntegratorRecordError> = []
    /// When records changed in the source, epoch milliseconds: what a run's window is held against. Nil: each run
    /// exports three records, whatever its window.
    var records: [Int64]?
    /// Lower bound of the next run without a window, by flow.
    var watermarks: [String: Int64] = [:]

    init(token: String, timing: Timing = Timing(), bucket: Bucket = Bucket()) {
        self.token = token
        self.timing = timing
        self.bucket = bucket
    }

    /// Everything below `/v1` but the listeners.
    ///
    /// - Parameters:
    ///   - now: epoch milliseconds.
    ///   - freshID: 24 hex digits for what this request makes.
    mutating func answer(_ request: TargetRequest, now: Int64, freshID: String) -> HTTPAnswer {
        guard let bearer = request.bearer, bearer == token else {
            return Self.failure(401, "unauthorized", "Invalid or missing API token.")
        }
        if let wait = bucket.take(now) {
            var answer = Self.failure(429, "rate_limited", "Too many requests.")
            answer.headers.append(.init(name: "retry-after", value: String(wait)))
            return answer
        }
        settle(now)
        let pieces = request.pieces.dropFirst().map { $0 }
        switch pieces.first {
        case "tokenInfo" where request.method == "GET":
            return .json(200, .record(["_userId": .string("65b2f0c2d3e4b5a697886641"), "scope": .string("*")]))
        case "flows": return answerFlows(request, Array(pieces.dropFirst()), now: now, freshID: freshID)
        case "jobs": return answerJobs(request, Array(pieces.dropFirst()), now: now)
        case "state": return answerState(request, Array(pieces.dropFirst()))
        case "integrations" where pieces.count == 3: return answerIntegration(request, pieces[1], pieces[2])
        case "exports", "imports", "connections", "integrations": return answerResource(request, pieces)
        default: return Self.notFound
        }
    }

    /// What has ended by now leaves its errors and its watermark behind, once.
    private mutating func settle(_ now: Int64) {
        for index in jobs.indices where jobs[index].isHeld {
            guard let flow = catalogue.flow(jobs[index].flowID), !catalogue.isOffline(flow) else { continue }
            jobs[index].isHeld = false
            jobs[index].startedAt = now + timing.queuedMilliseconds
            jobs[index].endedAt = jobs[index].startedAt + timing.runningMilliseconds
        }
        for index in jobs.indices where !jobs[index].isSettled && jobs[index].endedAt <= now && !jobs[index].isHeld {
            jobs[index].isSettled = true
            let job = jobs[index]
            guard !job.isCanceled, case .completed(let count) = job.ending else { continue }
            watermarks[job.flowID] = max(watermarks[job.flowID] ?? 0, job.until)
            for number in 0..<min(count, 100) { errors.append(IntegratorRecordError(job: job, number: number)) }
            while errors.count > Self.maximumErrors { errors.removeFirst() }
        }
    }

    // MARK: Answers

    static let notFound = failure(404, "not_found", "The requested resource was not found.")

    static func failure(_ status: Int, _ code: String, _ message: String) -> HTTPAnswer {
        .errors(status, code: .string(code), message)
    }

    static func record(_ status: Int, _ fields: Fields) -> HTTPAnswer { .json(status, .record(fields)) }

    /// A page of a list: 204 without a body when it is empty, and a `Link` to the next page where there is one.
    static func page(_ items: [Value], _ request: TargetRequest) -> HTTPAnswer {
        if request.query["include"] != nil, request.query["exclude"] != nil {
            return failure(400, "invalid_query_params", "include and exclude are mutually exclusive.")
        }
        guard !items.isEmpty else { return HTTPAnswer(status: 204) }
        let skip = max(0, Int(request.query["skip"] ?? "0") ?? 0)
        let limit = min(max(1, Int(request.query["limit"] ?? "") ?? listPage), 1000)
        let shown = items.dropFirst(skip).prefix(limit).map { projected($0, request.query) }
        var answer = HTTPAnswer.json(200, .list(shown))
        if skip + limit < items.count, let host = request.headers["host"] {
            var query = request.query
            query["skip"] = String(skip + limit)
            query["limit"] = String(limit)
            let text = query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "&")
            answer.headers.append(.init(name: "link", value: "<http://\(host)\(request.path)?\(text)>; rel=\"next\""))
        }
        return answer
    }

    private static func projected(_ item: Value, _ query: [String: String]) -> Value {
        guard case .record(let fields) = item else { return item }
        if let kept = query["include"]?.split(separator: ",").map(String.init) {
            return .record(Fields(fields.fields.filter { $0.name == "_id" || kept.contains($0.name) }))
        }
        if let gone = query["exclude"]?.split(separator: ",").map(String.init) {
            return .record(Fields(fields.fields.filter { !gone.contains($0.name) }))
        }
        return item
    }

    static func body(_ request: TargetRequest) -> Value? {
        request.body.isEmpty ? .null : try? JSONReader.parse(request.body)
    }
}
