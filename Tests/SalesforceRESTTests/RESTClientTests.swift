import Curl
import Events
import TestSupport
import Testing

@testable import SalesforceREST

@Suite struct RESTClientTests {
    @Test func `every call carries token, client name and version`() async throws {
        let org = TestOrg { _ throws(TransportError) in json("{}") }
        _ = try await org.client.send(RESTCall(.get, "/limits", query: [("a b", "c+d")], action: "read the limits"))
        let request = org.http.requests[0]
        #expect(request.url == "https://acme.my.salesforce.com/services/data/v62.0/limits?a%20b=c%2Bd")
        #expect(request.headers.contains(.init("Authorization", "Bearer token-1")))
        #expect(request.headers.contains(.init("Sforce-Call-Options", "client=Sluice")))
        #expect(!request.headers.contains { $0.name == "Content-Type" })
    }

    @Test func `an expired session is renewed once, and the call repeated`() async throws {
        let org = TestOrg { request throws(TransportError) in
            request.headers.contains(.init("Authorization", "Bearer token-1"))
                ? refusal(401, "INVALID_SESSION_ID", "Session expired or invalid") : json("{}")
        }
        _ = try await org.client.send(RESTCall(.get, "/limits", action: "read the limits"))
        #expect(org.calls == ["GET /limits", "GET /limits"])
    }

    @Test func `a session that is refused again ends the call`() async {
        let org = TestOrg { _ throws(TransportError) in refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
        }
        await #expect {
            try await org.client.send(RESTCall(.get, "/limits", action: "read the limits"))
        } throws: { ($0 as? RESTError)?.kind == .signIn && "\($0)".contains("My Domain") }
        #expect(org.calls.count == 2)
    }

    @Test func `a session that no renewal mends is not renewed`() async {
        let org = TestOrg { _ throws(TransportError) in
            refusal(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API")
        }
        await #expect(throws: RESTError.self) { try await org.client.send(RESTCall(.get, "/limits", action: "x")) }
        #expect(org.calls.count == 1)
    }

    @Test(arguments: [(503, "SERVER_UNAVAILABLE"), (500, "UNKNOWN_EXCEPTION"), (400, "UNABLE_TO_LOCK_ROW"), (502, "")])
    func `what passes is tried again, a few times`(status: Int, code: String) async {
        let org = TestOrg { _ throws(TransportError) in
            code.isEmpty ? HTTPResponse(status: status, body: Array("<html>".utf8)) : refusal(status, code)
        }
        await #expect(throws: RESTError.self) { try await org.client.send(RESTCall(.get, "/limits", action: "x")) }
        #expect(org.calls.count == RESTRetry.maximumAttempts)
        #expect(org.time.slept.allSatisfy { $0 >= .milliseconds(500) && $0 <= .seconds(30) })
    }

    @Test func `a create whose fate is unknown is not sent again, one that is known not to be done is`() async {
        for (response, calls) in [
            (refusal(500, "UNKNOWN_EXCEPTION"), 1), (HTTPResponse(status: 502), 1),
            (refusal(400, "UNABLE_TO_LOCK_ROW"), 5),
        ] {
            let org = TestOrg { _ throws(TransportError) in response }
            await #expect(throws: RESTError.self) {
                try await org.client.send(RESTCall(.post, "/sobjects/Account", json: .record([:]), action: "create"))
            }
            #expect(org.calls.count == calls)
        }
        let broken = TestOrg { _ throws(TransportError) in
            throw TransportError(kind: .reset, target: "https://a:443", reason: "reset", mayHaveBeenSent: true)
        }
        await #expect(throws: RESTError.self) {
            try await broken.client.send(RESTCall(.post, "/sobjects/Account", json: .record([:]), action: "create"))
        }
        #expect(broken.calls.count == 1 && broken.http.requests[0].isSentOnce)
    }

    @Test func `refusals are typed and say what to do`() async {
        let org = TestOrg { _ throws(TransportError) in
            json(
                #"[{"message":"No such column 'Nme'","errorCode":"INVALID_FIELD","fields":["Nme"]}]"#, status: 400)
        }
        await #expect {
            try await org.client.send(RESTCall(.get, "/query", action: "query Account"))
        } throws: { error in
            "\(error)" == "cannot query Account: HTTP 400 INVALID_FIELD: No such column 'Nme' (fields: Nme). "
                + "Check the field's API name, and that the user may see it (field-level security of a permission set)."
        }
        #expect(org.calls.count == 1)
    }

    @Test func `a reached limit holds every call, longer each time, and patience ends`() async {
        var options = RESTOptions()
        options.patience = .seconds(1000)
        let org = TestOrg(options: options) { _ throws(TransportError) in
            refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        }
        await #expect {
            try await org.client.send(RESTCall(.get, "/limits", action: "read the limits"))
        } throws: { error in
            guard let error = error as? RESTError else { return false }
            return error.kind == .limitReached && error.code == "REQUEST_LIMIT_EXCEEDED"
                && error.retryAfter == .seconds(1200)
        }
        #expect(org.time.slept == [.seconds(300), .seconds(600)])
        #expect(org.calls.count == 3)
    }

    @Test func `an answer that is too long is an error`() async {
        let org = TestOrg { _ throws(TransportError) in HTTPResponse(status: 200, bodyIsTruncated: true) }
        await #expect {
            try await org.client.send(RESTCall(.get, "/limits", action: "x"))
        } throws: { ($0 as? RESTError)?.kind == .tooLarge }
    }

    @Test func `the share of the day is never exceeded`() async throws {
        var options = RESTOptions()
        options.dailyShare = 0.5
        options.patience = .seconds(10)
        let used = Steps()
        let org = TestOrg(options: options) { _ throws(TransportError) in
            json("{}", headers: [.init("Sforce-Limit-Info", "api-usage=\(used.next())/100")])
        }
        let client = org.client
        let done = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<80 {
                group.addTask { (try? await client.send(RESTCall(.get, "/limits", action: "x"))) != nil }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(done == org.calls.count && done <= 50 && done >= 40)
        await #expect {
            try await client.send(RESTCall(.get, "/limits", action: "read the limits"))
        } throws: { "\($0)".contains("of the org's 100 API calls") }
    }
}
