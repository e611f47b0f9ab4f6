import Events
import Testing

@testable import Emulator

/// REST of the emulated org: forms, error codes, and the events that writes set off.
@Suite struct RESTEndpointTests {
    private var endpoint = RESTEndpoint(
        EmulatedOrg(
            access: OrgAccess(
                clientID: "client", clientSecret: "secret", organizationID: EmulatorDefaults.organizationID,
                fixedToken: "token"), seed: 1, now: 1_760_000_000_000, forbidden: []), now: 1_760_000_000_000)

    private mutating func ask(
        _ method: String, _ path: String, _ query: [String: String] = [:], _ body: String = "", token: String = "token"
    ) -> (status: Int, body: Value) {
        let answer = endpoint.answer(
            TargetRequest(
                method: method, path: "/services/data/v62.0" + path, query: query,
                headers: ["authorization": "Bearer \(token)", "sforce-call-options": "client=Tests"],
                body: Array(body.utf8)))
        return (answer.status, (try? JSONReader.parse(answer.body)) ?? .null)
    }

    private mutating func query(_ soql: String, all: Bool = false) -> [Fields] {
        let body = ask("GET", all ? "/queryAll" : "/query", ["q": soql]).body
        return (body.member("records")?.elements ?? []).compactMap(\.fields)
    }

    private mutating func code(_ method: String, _ path: String, _ query: [String: String] = [:], _ body: String = "")
        -> String
    {
        let answer = ask(method, path, query, body)
        return "\(answer.status) \(answer.body.elements.first?.member("errorCode")?.text ?? "")"
    }

    @Test mutating func `what is created, changed and deleted can be asked for, and comes as events`() throws {
        let made = ask("POST", "/sobjects/Account", [:], #"{"Name":"Made","BillingCity":"Lyon","AnnualRevenue":5}"#)
        #expect(made.status == 201)
        let id = try #require(made.body.member("id")?.text)
        #expect(endpoint.touched == ["/data/ChangeEvents", "/data/AccountChangeEvent"])
        let topic = try endpoint.org.log("/data/AccountChangeEvent")
        #expect(topic.count == 1)
        let read = ask("GET", "/sobjects/Account/\(id)", ["fields": "Name,BillingAddress,BillingCity,CreatedDate"]).body
        #expect(read.member("BillingAddress") == .record(["city": .string("Lyon")]))
        #expect(read.member("BillingCity") == .string("Lyon"))
        #expect(read.member("CreatedDate") == .string("2025-10-09T08:53:20.000+0000"))
        #expect(ask("PATCH", "/sobjects/Account/\(id)", [:], #"{"Name":"Made"}"#).status == 204)
        #expect(try endpoint.org.log("/data/AccountChangeEvent").count == 1, "nothing is new")
        #expect(ask("PATCH", "/sobjects/Account/\(id)", [:], #"{"Phone":"1","BillingStreet":"Quai 1"}"#).status == 204)
        #expect(try endpoint.org.log("/data/AccountChangeEvent").count == 2)
        #expect(query("SELECT Id FROM Account WHERE BillingStreet = 'quai 1' AND BillingCity = 'Lyon'").count == 1)
        #expect(ask("DELETE", "/sobjects/Account/\(id)").status == 204)
        #expect(code("GET", "/sobjects/Account/\(id)") == "404 ENTITY_IS_DELETED")
        #expect(query("SELECT Id FROM Account WHERE Name = 'Made'").isEmpty)
        #expect(
            query("SELECT Id, IsDeleted FROM Account WHERE Name = 'Made'", all: true).first?["IsDeleted"] == .bool(true)
        )
    }

    @Test mutating func `queries: conditions, order, limit, counts`() {
        #expect(
            query("SELECT Name FROM Account ORDER BY AnnualRevenue DESC LIMIT 1").first?["Name"]
                == .string("Halden Paper"))
        let some =
            "SELECT Id FROM Account WHERE (AnnualRevenue > 2000000.5 OR Name LIKE 'acme%') AND NOT Name IN ('Halden Paper')"
        #expect(query(some).count == 2)
        #expect(query("SELECT count(Id) FROM Account").first?["expr0"] == .int(3))
        #expect(ask("GET", "/query", ["q": "select count() from account"]).body.member("totalSize") == .int(3))
        #expect(query("SELECT Id FROM Account WHERE SystemModstamp >= 2025-10-09T00:00:00Z").isEmpty)
        #expect(query("SELECT Id FROM Account WHERE SystemModstamp >= 2025-10-08T00:00:00Z").count == 3)
        #expect(query("SELECT Id FROM Account WHERE Phone = null").count == 3)
        let inner = "(SELECT AccountId FROM Opportunity WHERE Amount > 1 LIMIT 5)"
        #expect(query("SELECT Name FROM Account WHERE Id IN \(inner)").map { $0["Name"] } == [.string("Acme Pumps")])
        #expect(query("SELECT Name FROM Account WHERE Id NOT IN \(inner)").count == 2)
    }

    @Test mutating func `refusals have Salesforce's codes`() {
        #expect(ask("GET", "/limits", token: "other").status == 401)
        #expect(code("GET", "/query", ["q": "SELEKT"]) == "400 MALFORMED_QUERY")
        #expect(code("GET", "/query", ["q": "SELECT Id FROM Account WHERE (Name = 'x'"]) == "400 MALFORMED_QUERY")
        #expect(code("GET", "/query", ["q": "SELECT Nme FROM Account"]) == "400 INVALID_FIELD")
        #expect(code("GET", "/query", ["q": "SELECT Id FROM Acount"]) == "400 INVALID_TYPE")
        #expect(
            code("GET", "/query", ["q": "SELECT Id FROM Account WHERE Id IN (SELECT X FROM Account)"])
                == "400 INVALID_FIELD")
        #expect(code("GET", "/sobjects/Account/001000000000000AAA") == "404 NOT_FOUND")
        #expect(code("POST", "/sobjects/Account", [:], #"{"Nme":"x"}"#) == "400 INVALID_FIELD")
        #expect(code("POST", "/sobjects/Account", [:], #"{"AnnualRevenue":"much"}"#) == "400 INVALID_FIELD")
        #expect(
            code("POST", "/sobjects/Account", [:], #"{"CreatedDate":"x"}"#) == "400 INVALID_FIELD_FOR_INSERT_UPDATE")
        #expect(code("POST", "/sobjects/Account", [:], "{") == "400 JSON_PARSER_ERROR")
        #expect(code("GET", "/nonsense") == "404 NOT_FOUND")
        let deep = "SELECT Id FROM Account WHERE " + String(repeating: "(", count: 5_000) + "Name = 'x'"
        #expect(code("GET", "/query", ["q": deep]) == "400 MALFORMED_QUERY")
    }

    @Test mutating func `collections tell of each record, and upsert by external ID`() throws {
        let body = """
            {"allOrNone":false,"records":[
            {"attributes":{"type":"Account"},"AccountNumber":"A-100","Name":"Acme"},
            {"attributes":{"type":"Account"},"AccountNumber":"A-900","Name":"New"},
            {"attributes":{"type":"Account"},"Name":"Nobody"}]}
            """
        let saved = ask("PATCH", "/composite/sobjects/Account/AccountNumber", [:], body).body.elements
        #expect(saved.map { $0.member("created") } == [.bool(false), .bool(true), nil])
        #expect(saved[2].member("errors")?.elements.first?.member("statusCode") == .string("MISSING_ARGUMENT"))
        let id = try #require(saved[0].member("id")?.text)
        let read = ask("POST", "/composite/sobjects/Account", [:], #"{"ids":["\#(id)","001x"],"fields":["Name"]}"#)
        #expect(read.body.elements.map { $0.member("Name") } == [.string("Acme"), nil])
        let gone = ask("DELETE", "/composite/sobjects", ["ids": id]).body.elements
        #expect(gone.first?.member("success") == .bool(true))
    }

    @Test mutating func `later calls of a composite name what earlier ones answered`() {
        let body = """
            {"compositeRequest":[
            {"method":"POST","url":"/services/data/v62.0/sobjects/Account","referenceId":"a","body":{"Name":"One"}},
            {"method":"PATCH","url":"/services/data/v62.0/sobjects/Account/@{a.id}","referenceId":"b","body":{"Phone":"7"}},
            {"method":"GET","url":"/services/data/v62.0/query?q=SELECT+Phone+FROM+Account+WHERE+Id+%3D+'@{a.id}'","referenceId":"c"}]}
            """
        let parts = ask("POST", "/composite", [:], body).body.member("compositeResponse")?.elements ?? []
        #expect(parts.map { $0.member("httpStatusCode") } == [.int(201), .int(204), .int(200)])
        #expect(parts.last?.member("body")?.member("records")?.elements.first?.member("Phone") == .string("7"))
    }
}

extension Value {
    fileprivate var elements: [Value] { if case .list(let values) = self { values } else { [] } }

    fileprivate func member(_ name: String) -> Value? { fields?[name] }
}
