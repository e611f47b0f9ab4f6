import Curl
import Events
import Testing

@testable import IntegratorIO

@Suite struct IntegratorClientTests {
    struct Scripted: HTTPClient {
        var answer: @Sendable (HTTPRequest) -> Result<HTTPResponse, TransportError>

        func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse { try answer(request).get() }
    }

    private func client(
        base: String = "https://api.integrator.io", shape: RunBody.Shape = .nested,
        _ answer: @escaping @Sendable (HTTPRequest) -> (Int, String)
    ) -> IntegratorClient {
        let settings = IntegratorSettings(baseURL: base, credential: Secret("Bearer t"), runBody: shape)
        return IntegratorClient(
            settings: settings,
            http: Scripted { request in
                let (status, body) = answer(request)
                #expect(request.headers.contains(HTTPRequest.Header("Authorization", "Bearer t")))
                return .success(HTTPResponse(status: status, body: Array(body.utf8)))
            })
    }

    @Test(arguments: ["https://h", "https://h/", "https://h/v1", "https://h/v1/"])
    func `the version is in the path once, however the base URL is written`(_ base: String) async throws {
        let client = client(base: base) { request in
            #expect(request.url == "https://h/v1/tokenInfo")
            return (200, #"{"_userId":"u","scope":"*"}"#)
        }
        #expect(try await client.tokenInfo().scope == "*")
    }

    @Test(arguments: [
        (#"{"_jobId":"j"}"#, ["j"]), (#"[{"_jobId":"j","_exportId":"e"},{"_jobId":"k"},{"_jobId":"j"}]"#, ["j", "k"]),
        ("{}", []), ("", []), ("[]", []),
    ])
    func `a run's answer names its jobs in an object, a list, or not at all`(
        _ body: String, _ jobs: [String]
    ) async throws {
        let client = client { request in
            #expect(request.method == "POST")
            #expect(request.url == "https://api.integrator.io/v1/flows/f/run")
            #expect(request.headers.contains(HTTPRequest.Header("Content-Type", "application/json")))
            return (201, body)
        }
        #expect(try await client.run(flow: "f", RunBody(from: 0, until: 1)) == jobs)
    }

    @Test func `a run's body has the shape that the settings say`() {
        let body = RunBody(from: 1_704_067_200_000, until: 1_704_067_201_500)
        let dates = #""startDate":"2024-01-01T00:00:00.000Z","endDate":"2024-01-01T00:00:01.500Z""#
        func text(_ body: RunBody, _ shape: RunBody.Shape) -> String {
            String(decoding: body.bytes(shape), as: UTF8.self)
        }
        #expect(text(body, .nested) == #"{"export":{\#(dates)}}"#)
        #expect(text(body, .topLevel) == "{\(dates)}")
        #expect(text(body, .none) == "{}")
        var some = body
        some.exports = ["a", "b"]
        #expect(text(some, .nested) == #"{"export":{\#(dates)},"_exportIds":["a","b"]}"#)
        #expect(text(some, .none) == #"{"_exportIds":["a","b"]}"#)
    }

    @Test func `an empty list of jobs comes as 204`() async throws {
        #expect(try await client { _ in (204, "") }.latestJobs(flow: "f") == [])
    }

    @Test func `jobs are read with their counts, whatever else they hold`() async throws {
        let body = """
            [{"_id":"a","type":"flow","status":"completed","createdAt":"2024-01-01T00:00:00.000Z","numError":2,
            "numSuccess":3,"numPagesGenerated":1,"new":{}},{"_id":"b","status":"cancelled"},{"_id":"c","status":"odd"}]
            """
        let jobs = try await client { _ in (200, body) }.latestJobs(flow: "f")
        #expect(
            jobs == [
                IntegratorJob(
                    id: "a", status: .completed, createdAt: 1_704_067_200_000, errors: 2, successes: 3, pages: 1),
                IntegratorJob(id: "b", status: .canceled, type: ""),
                IntegratorJob(id: "c", status: .open("odd"), type: ""),
            ])
    }

    @Test func `the jobs list is paged by the time of its last entry`() async throws {
        let full = (0..<IntegratorClient.jobsPerPage).map {
            #"{"_id":"j\#($0)","status":"completed","createdAt":"2024-01-02T00:00:00.000Z"}"#
        }
        let page = "[" + full.joined(separator: ",") + "]"
        let client = client { request in
            let first = "https://api.integrator.io/v1/jobs?_flowId=f&createdAt_gte=2024-01-01T00:00:00.000Z"
            if request.url == first { return (200, page) }
            #expect(request.url == first + "&createdAt_lte=2024-01-01T23:59:59.999Z")
            return (200, "[]")
        }
        #expect(try await client.jobs(flow: "f", since: 1_704_067_200_000).count == IntegratorClient.jobsPerPage)
    }

    @Test func `failures keep the code and Retry-After`() async {
        let settings = IntegratorSettings(baseURL: "https://h")
        let client = IntegratorClient(
            settings: settings,
            http: Scripted { _ in
                .success(
                    HTTPResponse(
                        status: 429, headers: [HTTPRequest.Header("retry-after", "7")],
                        body: Array(#"{"errors":[{"code":"rate_limited","message":"m"}]}"#.utf8)))
            })
        let failure = await #expect(throws: IntegratorFailure.self) { _ = try await client.job("j") }
        #expect(failure?.kind == .rateLimited)
        #expect(failure?.retryAfter == "7")
        #expect(failure?.entries.first?.code == "rate_limited")
    }

    @Test func `flows tell why they cannot run`() async throws {
        let disabled = try await client { _ in
            (200, #"{"_id":"f","name":"n","disabled":true,"pageGenerators":[{"_exportId":"e"}]}"#)
        }.flow("f")
        #expect(disabled.exports == ["e"])
        #expect(disabled.obstacle?.contains("disabled") == true)
        let old = try await client { _ in (200, #"{"_id":"f","_exportId":"e","isAbstract":false}"#) }.flow("f")
        #expect(old.exports == ["e"])
        #expect(old.obstacle == nil)
    }

    @Test func `an export honours the window if it is delta or names the bound`() async throws {
        func export(_ body: String) async throws -> IntegratorExport {
            try await client { _ in (200, body) }.export("e")
        }
        #expect(try await export(#"{"_id":"e","type":"delta"}"#).honoursWindow)
        #expect(try await export(#"{"_id":"e","http":{"relativeURI":"/x?{{lastExportDateTime}}"}}"#).honoursWindow)
        #expect(try await !export(#"{"_id":"e"}"#).honoursWindow)
        let listener = try await export(#"{"_id":"e","adaptorType":"WebhookExport","webhook":{"pathToRecords":"d"}}"#)
        #expect(listener.isListener)
        #expect(listener.pathToRecords == "d")
    }

    @Test(arguments: [
        ("2024-01-01T00:00:00Z", 1_704_067_200_000), ("2024-02-29T23:59:59.5Z", 1_709_251_199_500),
        ("1970-01-01T00:00:00.000Z", 0), ("2024-01-01T00:00:00.123456Z", 1_704_067_200_123),
    ])
    func `dates are read`(_ text: String, _ milliseconds: Int64) {
        #expect(ISOTime.milliseconds(text) == milliseconds)
    }

    @Test(arguments: ["", "2024-01-01", "2024-01-01T00:00:00", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00.Z", "x"])
    func `what is no date is not read`(_ text: String) {
        #expect(ISOTime.milliseconds(text) == nil)
    }
}
