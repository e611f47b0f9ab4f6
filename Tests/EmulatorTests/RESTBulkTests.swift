import Events
import Testing

@testable import Emulator

/// Query jobs of Bulk API 2.0.
@Suite struct RESTBulkTests {
    private static let epoch: Int64 = 1_760_000_000_000
    private var org = EmulatedOrg(
        access: OrgAccess(clientID: "client", clientSecret: "secret", organizationID: "00D", fixedToken: "token"),
        seed: 1,
        now: epoch, forbidden: [])
    /// Milliseconds since the start.
    private var now: Int64 = 0

    private mutating func ask(
        _ method: String, _ path: String = "", _ query: [String: String] = [:], _ body: String = ""
    ) -> HTTPAnswer {
        var endpoint = RESTEndpoint(org, now: Self.epoch + now)
        let answer = endpoint.answer(
            TargetRequest(
                method: method, path: "/services/data/v62.0/jobs/query" + path, query: query,
                headers: ["authorization": "Bearer token"], body: Array(body.utf8)))
        org = endpoint.org
        return answer
    }

    private mutating func start(_ soql: String, _ more: String = "") throws -> String {
        let answer = ask("POST", "", [:], #"{"operation":"query","query":"\#(soql)"\#(more)}"#)
        #expect(answer.status == 200)
        return "/" + (try #require(answer.value["id"]?.text))
    }

    private mutating func state(_ job: String) -> String? { ask("GET", job).value["state"]?.text }

    private mutating func code(
        _ method: String, _ path: String = "", _ query: [String: String] = [:], _ body: String = ""
    ) -> String {
        let answer = ask(method, path, query, body)
        let first = (try? JSONReader.parse(answer.body)).flatMap { value -> Fields? in
            if case .list(let errors) = value { errors.first?.fields } else { nil }
        }
        return "\(answer.status) \(first?["errorCode"]?.text ?? "")"
    }

    @Test mutating func `a job goes on with time, and its results are those of its start`() throws {
        let job = try start("SELECT Id, Name FROM Account ORDER BY Name")
        #expect(state(job) == "UploadComplete")
        now = 300
        #expect(state(job) == "InProgress")
        #expect(code("GET", job + "/results") == "400 INVALIDJOBSTATE")
        #expect(code("DELETE", job) == "400 INVALIDJOBSTATE")
        try org.commit([EmulatedChange(entity: "Account", change: .create, recordIDs: ["001x"])], now: Self.epoch)
        now = 1_000
        let done = ask("GET", job).value
        #expect(done["state"] == .string("JobComplete") && done["numberRecordsProcessed"] == .int(3))
        let text = String(decoding: ask("GET", job + "/results").body, as: UTF8.self)
        #expect(text.hasPrefix("\"Id\",\"Name\"\n\"001Dp0000000001IAA\",\"Acme Pumps\"\n"))
        #expect(text.split(separator: "\n").count == 4)
        #expect(ask("DELETE", job).status == 204)
        #expect(code("GET", job) == "404 NOT_FOUND")
    }

    @Test mutating func `results come page by page, each with its header line`() throws {
        let job = try start("SELECT AccountNumber FROM Account ORDER BY AccountNumber")
        now = 1_000
        var query = ["maxRecords": "2"]
        let first = ask("GET", job + "/results", query)
        #expect(String(decoding: first.body, as: UTF8.self) == "\"AccountNumber\"\n\"A-100\"\n\"A-101\"\n")
        #expect(first.header("Sforce-NumberOfRecords") == "2")
        query["locator"] = first.header("Sforce-Locator")
        let last = ask("GET", job + "/results", query)
        #expect(String(decoding: last.body, as: UTF8.self) == "\"AccountNumber\"\n\"A-102\"\n")
        #expect(last.header("Sforce-Locator") == "null")
        for locator in ["MTAwMDA", "x", "LTE"] {
            #expect(code("GET", job + "/results", ["locator": locator]) == "400 INVALID_QUERY_LOCATOR")
        }
        #expect(code("GET", job + "/results", ["maxRecords": "0"]) == "400 API_ERROR")
    }

    @Test mutating func `a page is bounded whatever is asked for`() throws {
        for number in 0..<700 {
            try org.commit(
                [EmulatedChange(entity: "Opportunity", change: .create, recordIDs: ["006x\(number)"])], now: 0)
        }
        let job = try start("SELECT Id FROM Opportunity")
        now = 1_000
        let page = ask("GET", job + "/results", ["maxRecords": "100000"])
        #expect(page.header("Sforce-NumberOfRecords") == "500")
        #expect(page.header("Sforce-Locator") == "NTAw")
    }

    @Test mutating func `values are written as Salesforce does`() throws {
        try org.commit(
            [
                EmulatedChange(
                    entity: "sfy24__ProductionOrder__c", change: .create, recordIDs: ["a0Bx"],
                    fields: [
                        "Name": .string("a \"b\"; c\nd"), "sfy24__Quantity__c": .int(5), "sfy24__Rush__c": .bool(true),
                        "sfy24__Due_Date__c": .int(1_769_904_000_000),
                        "sfy24__Planned_Start__c": .int(1_769_860_800_000),
                    ])
            ], now: 0)
        let fields = "Name, sfy24__Quantity__c, sfy24__Rush__c, sfy24__Due_Date__c, sfy24__Planned_Start__c, OwnerId"
        let job = try start(
            "SELECT \(fields) FROM sfy24__ProductionOrder__c WHERE Id = 'a0Bx'",
            #","columnDelimiter":"SEMICOLON","lineEnding":"CRLF""#)
        now = 1_000
        let line = String(decoding: ask("GET", job + "/results").body, as: UTF8.self).split(
            separator: "\r\n", maxSplits: 1)[1]
        #expect(
            line
                == "\"a \"\"b\"\"; c\nd\";\"5.0\";\"true\";\"2026-02-01\";\"2026-01-31T12:00:00.000Z\";\"\"\r\n")
    }

    @Test mutating func `queryAll has what was deleted`() throws {
        try org.commit([EmulatedChange(entity: "Account", change: .delete, recordIDs: ["001Dp0000000001IAA"])], now: 0)
        let answer = ask("POST", "", [:], #"{"operation":"queryAll","query":"SELECT Id, IsDeleted FROM Account"}"#)
        let job = "/" + (answer.value["id"]?.text ?? "")
        now = 1_000
        #expect(ask("GET", job).value["numberRecordsProcessed"] == .int(3))
        #expect(String(decoding: ask("GET", job + "/results").body, as: UTF8.self).contains("\"true\""))
    }

    @Test mutating func `what cannot be is refused at once, and compounds when the job runs`() throws {
        for (body, wanted) in [
            ("{}", "400 API_ERROR"), (#"{"query":"SELEKT"}"#, "400 MALFORMED_QUERY"),
            (#"{"query":"SELECT Nme FROM Account"}"#, "400 INVALID_FIELD"),
            (#"{"query":"SELECT Id FROM Acount"}"#, "400 INVALID_TYPE"),
            (#"{"query":"SELECT count() FROM Account"}"#, "400 API_ERROR"),
            (#"{"query":"SELECT Id FROM Account","operation":"insert"}"#, "400 API_ERROR"),
            (#"{"query":"SELECT Id FROM Account","columnDelimiter":"DOT"}"#, "400 API_ERROR"),
        ] {
            #expect(code("POST", "", [:], body) == wanted, "\(body)")
        }
        let job = try start("SELECT Id, BillingAddress FROM Account")
        now = 1_000
        let failed = ask("GET", job).value
        #expect(failed["state"] == .string("Failed"))
        #expect(failed["errorMessage"]?.text?.contains("Selecting compound data not supported in Bulk Query") == true)
        #expect(code("GET", job + "/results") == "400 INVALIDJOBSTATE")
    }

    @Test mutating func `a job can be aborted while it runs`() throws {
        let job = try start("SELECT Id FROM Account")
        let body = #"{"state":"Aborted"}"#
        #expect(ask("PATCH", job, [:], body).value["state"] == .string("Aborted"))
        now = 5_000
        #expect(state(job) == "Aborted")
        #expect(code("PATCH", job, [:], body) == "400 INVALIDJOBSTATE")
        #expect(code("PATCH", job, [:], #"{"state":"JobComplete"}"#) == "400 API_ERROR")
        #expect(ask("DELETE", job).status == 204)
    }

    @Test mutating func `jobs are listed, counted and bounded`() throws {
        org.limits.set(.bulkQueryJobs, maximum: 100, remaining: 60)
        let first = try start("SELECT Id FROM Account")
        for _ in 1..<60 { _ = try start("SELECT Id FROM Account") }
        #expect(code("GET", first) == "404 NOT_FOUND", "the oldest are forgotten")
        guard case .list(let jobs)? = ask("GET").value["records"] else { throw ScriptProblem("no list") }
        #expect(jobs.count == BulkJobs.maximum)
        #expect(code("POST", "", [:], #"{"query":"SELECT Id FROM Account"}"#) == "400 EXCEEDEDQUOTA")
    }
}

extension HTTPAnswer {
    fileprivate var value: Fields { (try? JSONReader.parse(body))?.fields ?? Fields() }

    fileprivate func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}
