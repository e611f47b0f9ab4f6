import Curl
import Events
import TestSupport

/// Bulk API 2.0 of the simulated org. A job reads some records whenever it is asked how far it is, so that what it gives
/// out in the end is of several moments; and it may be refused, given up or forgotten.
///
/// Unchecked: see `Machine`.
final class SimulatedBulkJobs: @unchecked Sendable {
    private struct Job {
        let soql: SOQLText
        let columns: [String]
        /// The next record that it reads.
        var next = 0
        var rows: [[String: String]] = []
        var hasFailed = false
    }

    private let faults: Faults
    private var random: SeededRandom
    private var jobs: [String: Job] = [:]
    private var started = 0

    init(seed: UInt64, faults: Faults) {
        self.faults = faults
        random = SeededRandom(seed: seed ^ 0x6275_6C6B)
    }

    /// - Parameters:
    ///   - count: how many records there are.
    ///   - read: a record's cells by column, as it is now; nil if a query does not find it.
    func answer(_ request: HTTPRequest, count: Int, read: (Int, SOQLText) -> [String: String]?) -> HTTPResponse {
        if request.method == "POST" { return start(String(decoding: request.body, as: UTF8.self)) }
        let path = request.path.split(separator: "?")[0].split(separator: "/").map(String.init)
        let wantsResults = path.last == "results"
        guard let id = wantsResults ? path.dropLast().last : path.last, var job = jobs[id] else {
            return .json(#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#, status: 404)
        }
        if request.method == "DELETE" {
            jobs[id] = nil
            return HTTPResponse(status: 204)
        }
        guard !wantsResults else { return page(job, request.path) }
        defer { jobs[id] = jobs[id].map { _ in job } }
        goOn(&job, id, count, read)
        let state = job.hasFailed ? "Failed" : job.next >= count ? "JobComplete" : "InProgress"
        return .json(#"{"id":"\#(id)","state":"\#(state)","numberRecordsProcessed":\#(job.rows.count)}"#)
    }

    private func start(_ body: String) -> HTTPResponse {
        guard !random.chance(80) else {
            faults.note("bulk query refused")
            return .json(#"[{"errorCode":"API_DISABLED_FOR_ORG","message":"no bulk here"}]"#, status: 403)
        }
        faults.note("bulk query")
        started += 1
        let id = "750000000000\(100 + started)AAA"
        let columns = body.firstMatch(of: /SELECT (.+?) FROM/)?.1.split(separator: ",").map(String.init) ?? []
        jobs[id] = Job(soql: SOQLText(text: body), columns: columns)
        return .json(#"{"id":"\#(id)","state":"UploadComplete"}"#)
    }

    private func goOn(_ job: inout Job, _ id: String, _ count: Int, _ read: (Int, SOQLText) -> [String: String]?) {
        guard job.next < count else { return }
        if random.chance(40) {
            faults.note("bulk query fails")
            job.hasFailed = true
        }
        if random.chance(20) {
            faults.note("bulk query forgotten")
            jobs[id] = nil
        }
        let end = min(count, job.next + random.within(1...12))
        job.rows += (job.next..<end).compactMap { read($0, job.soql) }
        job.next = end
    }

    /// Fewer rows than asked for.
    private func page(_ job: Job, _ path: String) -> HTTPResponse {
        let first = path.firstMatch(of: /locator=(\d+)/).flatMap { Int($0.1) } ?? 0
        let page = job.rows[min(first, job.rows.count)...].prefix(random.within(1...10))
        let lines = [job.columns] + page.map { row in job.columns.map { row[$0] ?? "" } }
        return HTTPResponse(
            status: 200,
            headers: [
                .init("Sforce-Locator", page.endIndex < job.rows.count ? "\(page.endIndex)" : "null"),
                .init("Sforce-NumberOfRecords", "\(page.count)"),
            ], body: Array(lines.map { $0.joined(separator: ",") + "\n" }.joined().utf8))
    }
}
