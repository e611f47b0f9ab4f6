import Curl
import Synchronization
import Testing

@testable import IntegratorIO

@Suite struct ListenerActivationTests {
    final class Calls: Sendable {
        private let all = Mutex<[String]>([])
        var urls: [String] { all.withLock { $0 } }
        func add(_ url: String) { all.withLock { $0.append(url) } }
    }

    /// An account, by path below `/v1`.
    struct Account: HTTPClient {
        var answers: [String: String] = [
            "/exports/e": #"{"_id":"e","name":"Orders","type":"webhook","webhook":{"verify":"secret_url"}}"#,
            "/flows": #"[{"_id":"f","name":"F","pageGenerators":[{"_exportId":"e"}],"pageProcessors":[{"_importId":"i"}]}]"#,
            "/imports/i": #"{"_id":"i","_connectionId":"c"}"#, "/connections/c": #"{"_id":"c","name":"ERP"}"#,
        ]
        let calls = Calls()

        func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
            calls.add(request.url)
            let path = String(request.url.dropFirst("https://io/v1".count))
            guard let text = answers[path] else { return HTTPResponse(status: 404) }
            return HTTPResponse(status: Int(text) ?? 200, body: Array(text.utf8))
        }
    }

    private func check(
        _ account: Account, records: String = "", verification: String = "secret_url", known: [String] = []
    ) async throws -> ListenerActivation {
        try await ListenerActivation(
            IntegratorClient(settings: IntegratorSettings(baseURL: "https://io"), http: account),
            .init(export: "e", records: records, verification: verification), known: known)
    }

    @Test func `an enabled flow whose first step is online takes what is posted`() async throws {
        let found = try await check(Account())
        #expect(found.problems == [] && found.flows == ["f"] && found.name == "Orders")
    }

    @Test(arguments: [
        ("/exports/e", #"{"_id":"e","type":"delta"}"#, ListenerActivation.Problem.notAListener(export: "e")),
        ("/flows", #"[{"_id":"f","name":"F","disabled":true,"pageGenerators":[{"_exportId":"e"}]}]"#, .disabled(flow: "F")),
        ("/flows", #"[{"_id":"f","name":"F","isAbstract":true,"pageGenerators":[{"_exportId":"e"}]}]"#, .abstract(flow: "F")),
        ("/flows", #"[{"_id":"g","name":"G","pageGenerators":[{"_exportId":"x"}]}]"#, .noFlow),
        ("/connections/c", #"{"_id":"c","name":"ERP","offline":true}"#, .offline(connection: "ERP", flow: "F")),
    ])
    func `what loses posts is found`(
        _ path: String, _ answer: String, _ problem: ListenerActivation.Problem
    ) async throws {
        var account = Account()
        account.answers[path] = answer
        let found = try await check(account)
        #expect(found.problems == [problem] && found.obstacle == problem)
    }

    @Test func `one flow that takes it is enough`() async throws {
        var account = Account()
        account.answers["/flows"] = """
            [{"_id":"f","name":"F","disabled":true,"pageGenerators":[{"_exportId":"e"}]},
             {"_id":"g","name":"G","pageGenerators":[{"_exportId":"e"}]}]
            """
        #expect(try await check(account).obstacle == nil)
    }

    @Test func `other records, or another verification, are told and do not stand in the way`() async throws {
        let found = try await check(Account(), records: "data", verification: "hmac")
        #expect(
            found.problems == [
                .otherRecords(theirs: "", stated: "data"), .otherVerification(theirs: "secret_url", stated: "hmac"),
            ])
        #expect(found.obstacle == nil)
    }

    @Test func `flows that are known are asked for by themselves`() async throws {
        var account = Account()
        account.answers["/flows/f"] = #"{"_id":"f","name":"F","pageGenerators":[{"_exportId":"e"}]}"#
        #expect(try await check(account, known: ["f"]).problems == [])
        #expect(!account.calls.urls.contains("https://io/v1/flows"))
        // Gone, or with another source: somebody may have made another one.
        account.answers["/flows/f"] = #"{"_id":"f","name":"F","pageGenerators":[{"_exportId":"x"}]}"#
        #expect(try await check(account, known: ["gone", "f"]).problems == [])
        #expect(account.calls.urls.contains("https://io/v1/flows"))
    }

    @Test func `a token that may not see the connection will do`() async throws {
        for status in ["403", "404"] {
            var account = Account()
            account.answers["/connections/c"] = status
            #expect(try await check(account).problems == [])
        }
    }

    @Test func `an export that is gone is an error`() async {
        var account = Account()
        account.answers["/exports/e"] = nil
        await #expect(throws: IntegratorFailure.self) { try await check(account) }
    }
}
