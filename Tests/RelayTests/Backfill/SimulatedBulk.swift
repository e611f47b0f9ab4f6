import Curl
import Events
import TestSupport

/// Bulk API 2.0 of a simulated org: a job finds what is there when it is asked for, and gives it out page by page.
struct SimulatedBulk {
    var jobs: [String: [[String]]] = [:]
    var started = 0
    var isRefused = false
    private var polls = 0

    mutating func answer(_ request: HTTPRequest, find: (SOQLText) -> [[String]]) -> HTTPResponse {
        if request.method == "POST" { return start(String(decoding: request.body, as: UTF8.self), find) }
        let path = request.url.split(separator: "?")[0].split(separator: "/").map(String.init)
        let isResults = path.last == "results"
        guard let id = isResults ? path.dropLast().last : path.last, let rows = jobs[id] else {
            return Self.json(#"[{"errorCode":"NOT_FOUND","message":"no such job"}]"#, 404)
        }
        if request.method == "DELETE" {
            jobs[id] = nil
            return HTTPResponse(status: 204)
        }
        guard isResults else {
            polls += 1
            let state = polls % 3 == 0 ? "JobComplete" : "InProgress"
            return Self.json(#"{"id":"\#(id)","state":"\#(state)","numberRecordsProcessed":\#(rows.count)}"#)
        }
        return page(rows, request.url)
    }

    private mutating func start(_ body: String, _ find: (SOQLText) -> [[String]]) -> HTTPResponse {
        guard !isRefused else {
            return Self.json(#"[{"errorCode":"API_DISABLED_FOR_ORG","message":"no bulk here"}]"#, 403)
        }
        started += 1
        jobs["750-\(started)"] = find(SOQLText(text: body))
        return Self.json(#"{"id":"750-\#(started)","state":"UploadComplete"}"#)
    }

    /// A server gives fewer rows than asked for when it likes.
    private func page(_ rows: [[String]], _ url: String) -> HTTPResponse {
        let first = url.firstMatch(of: /locator=(\d+)/).flatMap { Int($0.1) } ?? 0
        let asked = url.firstMatch(of: /maxRecords=(\d+)/).flatMap { Int($0.1) } ?? 0
        let page = rows[first...].prefix(min(asked, 600))
        let lines = [["Id", "Name", "CreatedDate", "SystemModstamp"]] + page
        return HTTPResponse(
            status: 200,
            headers: [
                .init("Sforce-Locator", page.endIndex < rows.count ? "\(page.endIndex)" : "null"),
                .init("Sforce-NumberOfRecords", "\(page.count)"),
            ], body: Array(lines.map { $0.joined(separator: ",") + "\n" }.joined().utf8))
    }

    private static func json(_ text: String, _ status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, body: Array(text.utf8))
    }
}
