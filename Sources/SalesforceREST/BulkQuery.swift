import Events

/// A query job of Bulk API 2.0, for reads of very many records.
///
/// The job runs in Salesforce; its results are read in pages of bounded size, and can be read again from any page as
/// long as the job is kept (seven days).
package struct BulkQuery: Sendable {
    package struct Job: Sendable, Equatable {
        package enum State: String, Sendable {
            case uploadComplete = "UploadComplete"
            case inProgress = "InProgress"
            case complete = "JobComplete"
            case failed = "Failed"
            case aborted = "Aborted"

            package var isOver: Bool { self != .uploadComplete && self != .inProgress }
        }

        package var id: String
        package var state: State
        package var recordsProcessed: Int
        package var errorMessage: String
    }

    package struct Page: Sendable {
        package var columns: [String]
        /// Built one after another.
        package var rows: CSVRows
        package var count: Int
        /// Of the next page; nil after the last.
        package var nextLocator: String?
    }

    /// Rows in a page; halved when one turns out too long for `maximumPageBytes`.
    static let rowsPerPage = 10_000
    static let leastRowsPerPage = 50
    static let maximumPageBytes = 8 << 20
    static let longestPoll: Duration = .seconds(30)

    private let client: RESTClient

    package init(_ client: RESTClient) { self.client = client }

    /// - Parameter soql: no compound fields, no subqueries, no `FIELDS(…)`.
    package func start(_ soql: String, includesDeleted: Bool = false) async throws(RESTError) -> Job {
        let body: Fields = [
            "operation": .string(includesDeleted ? "queryAll" : "query"), "query": .string(soql),
            "contentType": .string("CSV"), "columnDelimiter": .string("COMMA"), "lineEnding": .string("LF"),
        ]
        var call = RESTCall(
            .post, "/jobs/query", json: .record(body), action: "start a bulk query of \(RESTClient.object(of: soql))")
        // A job that nobody reads costs little, a read that does not begin costs the snapshot.
        call.isRepeatable = true
        return try job(await client.send(call))
    }

    package func status(_ id: String) async throws(RESTError) -> Job {
        try job(
            await client.send(RESTCall(.get, RESTCall.path("jobs", "query", id), action: "ask for bulk query \(id)")))
    }

    /// Waits until the job is complete.
    ///
    /// - Throws: `.rejected` if it failed or was aborted.
    package func finished(_ id: String) async throws(RESTError) -> Job {
        var pause: Duration = .seconds(1)
        while true {
            let job = try await status(id)
            guard job.state.isOver else {
                do { try await client.time.sleep(pause) } catch { throw .cancelled("wait for bulk query \(id)") }
                pause = min(pause * 3 / 2, Self.longestPoll)
                continue
            }
            guard job.state == .complete else {
                throw RESTError(
                    .rejected, action: "run bulk query \(id)",
                    message: job.errorMessage.isEmpty ? "it ended as \(job.state.rawValue)" : job.errorMessage)
            }
            return job
        }
    }

    /// - Parameter locator: of an earlier page's `nextLocator`; nil is the first page.
    package func page(_ id: String, locator: String?, rows: Int = rowsPerPage) async throws(RESTError) -> Page {
        var rows = rows
        while true {
            do throws(RESTError) {
                return try await read(id, locator, rows)
            } catch {
                guard error.kind == .tooLarge, rows > Self.leastRowsPerPage else { throw error }
                rows /= 2
            }
        }
    }

    /// Ends a job that still runs.
    package func abort(_ id: String) async throws(RESTError) {
        _ = try await client.send(
            RESTCall(
                .patch, RESTCall.path("jobs", "query", id), json: .record(["state": .string("Aborted")]),
                action: "abort bulk query \(id)"))
    }

    /// Forgets a job that is over, and its results.
    package func delete(_ id: String) async throws(RESTError) {
        _ = try await client.send(
            RESTCall(.delete, RESTCall.path("jobs", "query", id), action: "delete bulk query \(id)"))
    }

    private func read(_ id: String, _ locator: String?, _ rows: Int) async throws(RESTError) -> Page {
        var call = RESTCall(
            .get, RESTCall.path("jobs", "query", id, "results"), query: [("maxRecords", "\(rows)")],
            action: "read results of bulk query \(id)")
        if let locator { call.query.append(("locator", locator)) }
        call.accept = "text/csv"
        call.maximumResponseBytes = Self.maximumPageBytes
        let answer = try await client.send(call)
        var rows = CSVRows(answer.body)
        let columns = rows.next() ?? []
        let expected = answer.header("Sforce-NumberOfRecords").flatMap { Int($0) }
        guard let count = rows.count(columns: columns.count), expected == nil || expected == count else {
            throw answer.unexpected("it is cut short, or no table of \(expected.map(String.init) ?? "some") rows")
        }
        let next = answer.header("Sforce-Locator")
        return Page(columns: columns, rows: rows, count: count, nextLocator: next == "null" || next == "" ? nil : next)
    }

    private func job(_ answer: RESTAnswer) throws(RESTError) -> Job {
        let body = try answer.json()
        guard let id = body.text("id"), let state = body.text("state").flatMap(Job.State.init) else {
            throw answer.unexpected("it is no job")
        }
        return Job(
            id: id, state: state, recordsProcessed: body.integer("numberRecordsProcessed") ?? 0,
            errorMessage: body.text("errorMessage") ?? "")
    }
}
