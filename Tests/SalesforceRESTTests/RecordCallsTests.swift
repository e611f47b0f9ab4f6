import Curl
import Events
import Salesforce
import TestSupport
import Testing

@testable import SalesforceREST

@Suite struct RecordCallsTests {
    @Test func `creating, updating, upserting and deleting use the guide's calls`() async throws {
        let org = TestOrg { request throws(TransportError) in
            switch (request.method, request.url.contains("Ext__c")) {
            case ("POST", _): json(#"{"id":"001","success":true,"errors":[]}"#, status: 201)
            case ("PATCH", true): json(#"{"id":"002","success":true,"created":false,"errors":[]}"#)
            default: HTTPResponse(status: 204)
            }
        }
        #expect(try await org.client.create("Account", ["Name": .string("A")]) == .init(id: "001", isCreated: true))
        try await org.client.update(
            .id("Account", "001"), ["Name": .null], unmodifiedSince: "Sat, 31 Jan 2026 12:00:00 GMT")
        #expect(
            try await org.client.upsert(.external("Account", "Ext__c", "a/b c"), ["Name": .string("B")])
                == .init(id: "002", isCreated: false))
        try await org.client.delete(.id("Account", "001"))
        #expect(
            org.calls == [
                "POST /sobjects/Account", "PATCH /sobjects/Account/001", "PATCH /sobjects/Account/Ext__c/a%2Fb%20c",
                "DELETE /sobjects/Account/001",
            ])
        #expect(org.http.requests[1].body == Array(#"{"Name":null}"#.utf8))
        #expect(org.http.requests[1].headers.contains { $0.name == "If-Unmodified-Since" })
    }

    @Test(arguments: [
        (300, "", RESTError.Kind.ambiguous), (412, "PRECONDITION_FAILED", .preconditionFailed),
        (404, "NOT_FOUND", .notFound), (403, "INSUFFICIENT_ACCESS_OR_READONLY", .forbidden),
        (410, "UNSUPPORTED_API_VERSION", .versionRetired), (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", .rejected),
    ])
    func `each refusal has its kind`(status: Int, code: String, kind: RESTError.Kind) async {
        let org = TestOrg { _ throws(TransportError) in
            code.isEmpty ? json(#"["/services/data/v62.0/sobjects/A/1"]"#, status: status) : refusal(status, code)
        }
        await #expect {
            try await org.client.retrieve(.external("Account", "Ext__c", "x"))
        } throws: { ($0 as? RESTError)?.kind == kind }
    }

    @Test func `a record that did not change since is nil`() async throws {
        let org = TestOrg { _ throws(TransportError) in HTTPResponse(status: 304) }
        #expect(try await org.client.retrieve(.id("Account", "1"), modifiedSince: "x") == nil)
    }

    @Test func `in a collection each record has its own outcome`() async throws {
        let org = TestOrg { _ throws(TransportError) in
            json(
                #"""
                [{"id":"001","success":true,"errors":[]},
                 {"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"locked","fields":[]}]}]
                """#)
        }
        let results = try await org.client.update("Account", [["Id": .string("001")], ["Id": .string("002")]])
        #expect(results[0] == .saved(.init(id: "001", isCreated: false)))
        guard case .failed(let error) = results[1] else { throw SuiteError() }
        #expect(error.kind == .rowLocked && error.isRetryable)
        #expect(
            org.http.requests[0].body
                == Array(
                    #"{"allOrNone":false,"records":[{"attributes":{"type":"Account"},"Id":"001"},{"attributes":{"type":"Account"},"Id":"002"}]}"#
                        .utf8))
    }

    @Test func `more than a collection holds is refused before it is sent`() async {
        let org = TestOrg { _ throws(TransportError) in json("[]") }
        await #expect(throws: RESTError.self) {
            try await org.client.create("Account", Array(repeating: [:], count: 201))
        }
        #expect(org.calls.isEmpty)
    }

    @Test func `composite requests refer to one another and fail one by one`() async throws {
        let org = TestOrg { _ throws(TransportError) in
            json(
                #"""
                {"compositeResponse":[{"body":{"id":"001"},"httpStatusCode":201,"referenceId":"a"},
                {"body":[{"errorCode":"INVALID_FIELD","message":"no"}],"httpStatusCode":400,"referenceId":"b"}]}
                """#)
        }
        let responses = try await org.client.composite([
            Subrequest(.post, "/sobjects/Account", referenceID: "a", body: .record(["Name": .string("A")])),
            Subrequest(.get, "/sobjects/Account/@{a.id}", referenceID: "b"),
        ])
        #expect(responses[0].error == nil && responses[0].body["id"] == .string("001"))
        #expect(responses[1].error?.code == "INVALID_FIELD")
        let body = String(decoding: org.http.requests[0].body, as: UTF8.self)
        #expect(body.contains(#""url":"/services/data/v62.0/sobjects/Account/@{a.id}""#))
    }

    @Test func `a batch, graphs and trees are read as the guide writes them`() async throws {
        let org = TestOrg { request throws(TransportError) in
            if request.url.hasSuffix("/batch") {
                return json(#"{"hasErrors":false,"results":[{"statusCode":200,"result":{"x":1}}]}"#)
            }
            if request.url.hasSuffix("/graph") {
                return json(
                    #"{"graphs":[{"graphId":"g","graphResponse":{"compositeResponse":[{"body":null,"httpStatusCode":204,"referenceId":"r"}]},"isSuccessful":true}]}"#
                )
            }
            return json(#"{"hasErrors":false,"results":[{"referenceId":"r1","id":"001"}]}"#, status: 201)
        }
        let request = Subrequest(.get, "/limits", referenceID: "r")
        #expect(try await org.client.batch([request])[0].body == .record(["x": .int(1)]))
        #expect(try await org.client.graph([("g", [request])])["g"]?[0].status == 204)
        #expect(
            try await org.client.createTree("Account", [.record([:])])
                == .created([.init(referenceID: "r1", id: "001")]))
    }

    @Test func `limits, search, deletions and updates are typed`() async throws {
        let org = TestOrg { request throws(TransportError) in
            switch request.url {
            case let url where url.hasSuffix("/limits"): json(
                    #"{"DailyApiRequests":{"Max":15000,"Remaining":14998},"Odd":{"Max":9223372036854775807,"Remaining":-2}}"#)
            case let url where url.contains("/search"):
                json(#"{"searchRecords":[{"attributes":{"type":"Contact"},"Id":"003"}]}"#)
            case let url where url.contains("/deleted"):
                json(
                    #"{"deletedRecords":[{"id":"001","deletedDate":"2026-01-31T12:00:00.000+0000"}],"earliestDateAvailable":"2026-01-01T00:00:00.000+0000","latestDateCovered":"2026-01-31T12:01:00.000+0000"}"#
                )
            default: json(#"{"ids":["001"],"latestDateCovered":"2026-01-31T12:01:00.000+0000"}"#)
            }
        }
        #expect(try await org.client.limits() == [.init(name: "DailyApiRequests", maximum: 15000, remaining: 14998)])
        let found = try await org.client.search("FIND {x}")
        #expect(found.map(\.entity) == ["Contact"] && found[0].record == ["Id": .string("003")])
        let start: Int64 = 1_769_860_800_000
        let deleted = try await org.client.deleted("Account", from: start - 60_000, to: start)
        #expect(deleted.records == [.init(id: "001", deletedAt: start)] && deleted.latestCovered == start + 60_000)
        #expect(try await org.client.updated("Account", from: start - 60_000, to: start).ids == ["001"])
        #expect(
            org.calls.last
                == "GET /sobjects/Account/updated/?start=2026-01-31T11%3A59%3A00Z&end=2026-01-31T12%3A00%3A00Z")
        await #expect(throws: RESTError.self) {
            try await org.client.deleted("Account", from: start - 31 * 86_400_000, to: start)
        }
    }

    @Test func `versions are asked for without a sign-in`() async throws {
        let busy = Steps()
        let http = ScriptedHTTP { _ throws(TransportError) in
            busy.next() == 1
                ? HTTPResponse(status: 503, body: Array("<html>".utf8))
                : json(#"[{"label":"Winter '25","url":"/x","version":"62.0"}]"#)
        }
        let list = VersionList(
            try LoginURL("acme.my.salesforce.com"), http: http, time: ManualTime(autoAdvance: true).source)
        #expect(try await list.versions() == [.init(number: "62.0", label: "Winter '25")])
        #expect(http.requests.allSatisfy { !$0.headers.contains { $0.name == "Authorization" } })
        #expect(http.requests[1].url == "https://acme.my.salesforce.com/services/data")
    }

    @Test func `a tree that fails names the records, and tries locked ones again`() async throws {
        let steps = Steps()
        let org = TestOrg { _ throws(TransportError) in
            let code = steps.next() == 1 ? "UNABLE_TO_LOCK_ROW" : "INVALID_EMAIL_ADDRESS"
            let error = #"{"statusCode":"\#(code)","message":"m","fields":["Email"]}"#
            return json(#"{"hasErrors":true,"results":[{"referenceId":"r2","errors":[\#(error)]}]}"#, status: 400)
        }
        guard case .failed(let failures) = try await org.client.createTree("Account", [.record([:])]) else {
            throw SuiteError()
        }
        #expect(failures.map(\.referenceID) == ["r2"] && failures[0].error.code == "INVALID_EMAIL_ADDRESS")
        #expect(failures[0].error.reason == "INVALID_EMAIL_ADDRESS: m (fields: Email).")
        #expect(org.calls.count == 2)
    }

    @Test func `the records of a tree are counted with their children`() async {
        let org = TestOrg { _ throws(TransportError) in json("{}") }
        let child = Value.record(["LastName": .string("x")])
        let parent = Value.record([
            "Contacts": .record(["records": .list(Array(repeating: child, count: 100))])
        ])
        await #expect(throws: RESTError.self) { try await org.client.createTree("Account", [parent, parent]) }
        #expect(org.calls.isEmpty)
    }

    @Test func `a limit that a composite answers with 200 is an error of all`() async {
        let org = TestOrg { _ throws(TransportError) in
            json(
                #"{"compositeResponse":[{"body":[{"errorCode":"LIMIT_EXCEEDED","message":"no"}],"httpHeaders":{},"httpStatusCode":400,"referenceId":null}]}"#
            )
        }
        await #expect {
            try await org.client.composite([Subrequest(.get, "/limits", referenceID: "a")])
        } throws: { ($0 as? RESTError)?.code == "LIMIT_EXCEEDED" }
    }

    @Test func `an update that must meet an unchanged record is not sent again when its answer is lost`() async {
        let org = TestOrg { _ throws(TransportError) in
            throw TransportError(kind: .reset, target: "https://a:443", reason: "reset", mayHaveBeenSent: true)
        }
        await #expect {
            try await org.client.update(
                .id("Account", "001"), ["Name": .null], unmodifiedSince: "Sat, 31 Jan 2026 12:00:00 GMT")
        } throws: { ($0 as? RESTError)?.mayHaveBeenDone == true }
        #expect(org.calls.count == 1 && org.http.requests[0].isSentOnce)
    }

    private struct SuiteError: Error {}
}
