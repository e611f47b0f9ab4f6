import Events

/// `/jobs/query/…`: queries of Bulk API 2.0.
extension RESTEndpoint {
    /// A page of results has no more, whatever is asked for.
    static let bulkPageRows = 500

    mutating func bulk(_ call: Call) throws(Refusal) -> HTTPAnswer {
        guard call.path.count > 2 else {
            switch call.method {
            case "POST": return try startJob(call.body)
            case "GET": return jobs()
            default: throw Self.badMethod(call.method)
            }
        }
        guard let job = org.bulkJobs[call.path[2]] else { throw .notFound }
        switch (call.method, call.path.count) {
        case ("GET", 3): return .json(200, .record(shown(job) + progress(job)))
        case ("PATCH", 3): return try abort(job, call.body)
        case ("DELETE", 3):
            guard job.state(at: now).isOver else { throw wrongState(job, "deleted") }
            org.bulkJobs.delete(job)
            return HTTPAnswer(status: 204)
        case ("GET", 4) where call.path[3] == "results": return try results(job, call.query)
        case (_, 3): throw Self.badMethod(call.method)
        default: throw .notFound
        }
    }

    private mutating func startJob(_ body: Value) throws(Refusal) -> HTTPAnswer {
        let job = try job(body)
        guard org.limits.take(.bulkQueryJobs) else {
            throw Refusal(
                status: 400, code: "EXCEEDEDQUOTA", message: "The query jobs of the last 24 hours are used up.")
        }
        org.bulkJobs.add(job)
        return .json(200, .record(shown(job)))
    }

    private mutating func job(_ body: Value) throws(Refusal) -> BulkJobs.Job {
        guard case .record(let asked) = body, case .string(let text)? = asked["query"] else {
            throw Self.badJob("The job needs a query.")
        }
        let operation = try Self.word(asked, "operation", ["query", "queryAll"]) ?? "query"
        _ = try Self.word(asked, "contentType", ["CSV"])
        let format = BulkCSV.Format(
            columnDelimiter: try Self.word(asked, "columnDelimiter", BulkCSV.Format.delimiters.keys) ?? "COMMA",
            lineEnding: try Self.word(asked, "lineEnding", BulkCSV.Format.lineEndings.keys) ?? "LF")
        let query = try Self.parsed(text)
        guard !query.counts else { throw Self.badJob("Aggregate queries aren't supported in a bulk query.") }
        let schema = try Self.schema(query.entity)
        let found = try matches(query, includesDeleted: operation == "queryAll")
        let isCompound = found.columns.contains { $0.type == "address" || $0.type == "location" }
        return BulkJobs.Job(
            id: org.bulkJobs.newID(), operation: operation, entity: schema.entityName, columns: found.columns,
            rows: isCompound ? [] : found.rows, format: format, createdAt: now,
            failure: isCompound
                ? "InvalidBatch : Failed to process query: FUNCTIONALITY_NOT_ENABLED: Selecting compound data not "
                    + "supported in Bulk Query" : nil)
    }

    private mutating func abort(_ job: BulkJobs.Job, _ body: Value) throws(Refusal) -> HTTPAnswer {
        guard case .record(let asked) = body, asked["state"] == .string("Aborted") else {
            throw Self.badJob("The state of a query job can only be set to Aborted.")
        }
        guard !job.state(at: now).isOver else { throw wrongState(job, "aborted") }
        org.bulkJobs.abort(job)
        var aborted = job
        aborted.isAborted = true
        return .json(200, .record(shown(aborted)))
    }

    /// The page behind a locator: the number of rows before it, in Base64.
    private func results(_ job: BulkJobs.Job, _ query: [String: String]) throws(Refusal) -> HTTPAnswer {
        guard job.state(at: now) == .complete else { throw wrongState(job, "read") }
        var start = 0
        if let locator = query["locator"], !locator.isEmpty {
            guard let bytes = Base64.decode(locator), let row = Int(String(decoding: bytes, as: UTF8.self)),
                (1..<max(job.rows.count, 1)).contains(row)
            else { throw Refusal(status: 400, code: "INVALID_QUERY_LOCATOR", message: "invalid query locator") }
            start = row
        }
        var size = Self.bulkPageRows
        if let asked = query["maxRecords"] {
            guard let count = Int(asked), count > 0 else { throw Self.badJob("maxRecords must be above zero.") }
            size = min(size, count)
        }
        let page = job.rows[start...].prefix(size)
        let isLast = page.endIndex == job.rows.count
        return HTTPAnswer(
            status: 200,
            headers: [
                .init(name: "content-type", value: "text/csv"),
                .init(name: "Sforce-NumberOfRecords", value: String(page.count)),
                .init(
                    name: "Sforce-Locator",
                    value: isLast ? "null" : Base64.encodeURL(Array(String(page.endIndex).utf8))),
            ], body: Array(BulkCSV(job.format).text(job.columns, page).utf8))
    }

    // MARK: Answers

    private func jobs() -> HTTPAnswer {
        .json(
            200,
            .record([
                "done": .bool(true), "records": .list(org.bulkJobs.all.map { .record(shown($0)) }),
                "nextRecordsUrl": .null,
            ]))
    }

    private func shown(_ job: BulkJobs.Job) -> Fields {
        let time = Value.string(String(EpochText.text(job.createdAt).dropLast()) + "+0000")
        return [
            "id": .string(job.id), "operation": .string(job.operation), "object": .string(job.entity),
            "createdById": .string(EmulatedOrg.userID), "createdDate": time, "systemModstamp": time,
            "state": .string(job.state(at: now).rawValue), "concurrencyMode": .string("Parallel"),
            "contentType": .string("CSV"), "apiVersion": .double(62), "jobType": .string("V2Query"),
            "lineEnding": .string(job.format.lineEnding), "columnDelimiter": .string(job.format.columnDelimiter),
        ]
    }

    private func progress(_ job: BulkJobs.Job) -> Fields {
        let state = job.state(at: now)
        var fields: Fields = [
            "numberRecordsProcessed": .int(state == .complete ? Int64(job.rows.count) : 0), "retries": .int(0),
            "totalProcessingTime": .int(state == .complete ? BulkJobs.running : 0),
        ]
        if state == .failed, let failure = job.failure { fields["errorMessage"] = .string(failure) }
        return fields
    }

    private func wrongState(_ job: BulkJobs.Job, _ what: String) -> Refusal {
        Refusal(
            status: 400, code: "INVALIDJOBSTATE",
            message: "The job \(job.id) can't be \(what): its state is \(job.state(at: now).rawValue).")
    }

    private static func badJob(_ message: String) -> Refusal {
        Refusal(status: 400, code: "API_ERROR", message: message)
    }

    private static func badMethod(_ method: String) -> Refusal {
        Refusal(status: 405, code: "METHOD_NOT_ALLOWED", message: "HTTP Method '\(method)' not allowed.")
    }

    private static func word(
        _ fields: Fields, _ name: String, _ words: some Collection<String>
    ) throws(Refusal) -> String? {
        guard let value = fields[name] else { return nil }
        guard case .string(let text) = value, words.contains(text) else {
            throw badJob("\(name) is one of \(words.sorted().joined(separator: ", ")).")
        }
        return text
    }
}

extension Fields {
    fileprivate static func + (one: Fields, other: Fields) -> Fields { Fields(one.fields + other.fields) }
}
