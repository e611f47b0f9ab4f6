import Events

extension IntegratorClient {
    /// A page of jobs holds so many at most; a shorter one is the last.
    static let jobsPerPage = 1001
    /// Later pages are not read.
    static let maximumJobPages = 5

    package func job(_ id: String) async throws(IntegratorFailure) -> IntegratorJob {
        try await describedJob(id).content
    }

    package func describedJob(_ id: String) async throws(IntegratorFailure) -> IntegratorAnswer<IntegratorJob> {
        let call = IntegratorCall("GET", "/jobs/\(id)", action: "read job \(id)")
        let json = try await json(call)
        guard let job = IntegratorJob(json) else { throw unreadable(call) }
        return IntegratorAnswer(job, json: json)
    }

    /// The newest job of each source of a flow, whoever started it.
    package func latestJobs(flow id: String) async throws(IntegratorFailure) -> [IntegratorJob] {
        try await describedLatestJobs(flow: id).content
    }

    package func describedLatestJobs(
        flow id: String
    ) async throws(IntegratorFailure) -> IntegratorAnswer<[IntegratorJob]> {
        try await jobs(
            IntegratorCall("GET", "/flows/\(id)/jobs/latest", action: "read the latest jobs of flow \(id)"))
    }

    /// Jobs of a flow created at or after `since` (epoch milliseconds), newest first.
    package func jobs(flow id: String, since: Int64) async throws(IntegratorFailure) -> [IntegratorJob] {
        try await jobs(IntegratorJobFilter(flow: id, createdFrom: since)).content
    }

    /// Jobs, newest first.
    ///
    /// This list is paged by the time of its last entry, and knows no `Link` header.
    ///
    /// - Parameter limit: later ones are not read.
    package func jobs(
        _ filter: IntegratorJobFilter, limit: Int = maximumJobPages * jobsPerPage
    ) async throws(IntegratorFailure) -> IntegratorAnswer<[IntegratorJob]> {
        let action = filter.flow.map { "list the jobs of flow \($0)" } ?? "list jobs"
        if let obstacle = filter.obstacle { throw IntegratorFailure(action: action, cause: .input(obstacle)) }
        var all: [IntegratorJob] = []
        var documents: [Value] = []
        var before: Int64?
        for _ in 0..<Self.maximumJobPages {
            let page = try await jobs(
                IntegratorCall("GET", "/jobs", query: filter.query(before: before), action: action))
            all += page.content
            documents += page.json.list ?? []
            guard page.content.count >= Self.jobsPerPage, all.count < limit, let last = page.content.last?.createdAt
            else { break }
            before = last - 1
        }
        return IntegratorAnswer(Array(all.prefix(limit)), json: .list(Array(documents.prefix(limit))))
    }

    /// The jobs that are queued or running now.
    package func currentJobs(flow: String? = nil) async throws(IntegratorFailure) -> IntegratorAnswer<[IntegratorJob]> {
        let filter: Fields = flow.map { ["_flowId": .string($0)] } ?? [:]
        return try await jobs(
            IntegratorCall("POST", "/jobs/current", json: .record(filter), action: "list the jobs that run now"))
    }

    /// Asks a job to end. It may be `canceling` for a while.
    ///
    /// - Returns: the job, where integrator.io shows it.
    package func cancelJob(_ id: String) async throws(IntegratorFailure) -> IntegratorJob? {
        IntegratorJob(try await jsonOrNull(IntegratorCall("PUT", "/jobs/\(id)/cancel", action: "cancel job \(id)")))
    }

    /// Where the diagnostics of a job can be downloaded for a while. The address is its own credential.
    package func diagnostics(job id: String) async throws(IntegratorFailure) -> Secret {
        try await signedURL(
            IntegratorCall("GET", "/jobs/\(id)/diagnostics", action: "get the diagnostics of job \(id)"))
    }

    /// The errors of a job, for accounts that do not keep them by flow yet.
    package func legacyErrors(job id: String) async throws(IntegratorFailure) -> [Value] {
        try await list(IntegratorCall("GET", "/jobs/\(id)/joberrors", action: "list the errors of job \(id)"))
    }

    /// Where the error file of a job can be downloaded for a while, for accounts that do not keep errors by flow yet.
    package func legacyErrorFile(job id: String) async throws(IntegratorFailure) -> Secret {
        try await signedURL(
            IntegratorCall("GET", "/jobs/\(id)/errorFile/signedURL", action: "get the error file of job \(id)"))
    }

    /// An answer that is one pre-signed address.
    func signedURL(_ call: IntegratorCall) async throws(IntegratorFailure) -> Secret {
        let json = try await json(call)
        guard let url = json["signedURL"]?.text ?? json["signedUrl"]?.text ?? json["url"]?.text ?? json.text else {
            throw unreadable(call)
        }
        return Secret(url)
    }

    private func jobs(_ call: IntegratorCall) async throws(IntegratorFailure) -> IntegratorAnswer<[IntegratorJob]> {
        let json = try await jsonOrNull(call)
        // An empty list comes as 204 without a body; a single job may come without a list.
        let documents = json == .null ? [] : json.list ?? json["jobs"]?.list ?? [json]
        let jobs = documents.compactMap(IntegratorJob.init)
        guard jobs.count == documents.count else { throw unreadable(call) }
        return IntegratorAnswer(jobs, json: .list(documents))
    }
}
