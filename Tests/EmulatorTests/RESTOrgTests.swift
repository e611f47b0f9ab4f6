import Events
import Testing

@testable import Emulator

/// What the REST API tells of the org: limits, channels, managed subscriptions; and how it fails on demand.
@Suite struct RESTOrgTests {
    private var endpoint = RESTEndpoint(
        EmulatedOrg(
            access: OrgAccess(clientID: "client", clientSecret: "secret", organizationID: "00D", fixedToken: "token"),
            seed: 1, now: 1_760_000_000_000, forbidden: []), now: 1_760_000_000_000)

    private mutating func ask(_ path: String, _ soql: String = "") -> HTTPAnswer {
        endpoint.answer(
            TargetRequest(
                method: "GET", path: "/services/data/v62.0" + path, query: ["q": soql],
                headers: ["authorization": "Bearer token"]))
    }

    private mutating func tooling(_ soql: String) throws -> [Fields] {
        let answer = ask("/tooling/query", soql)
        #expect(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
        guard case .list(let rows)? = try JSONReader.parse(answer.body).fields?["records"] else { return [] }
        return rows.compactMap(\.fields)
    }

    private mutating func refusal(_ path: String, _ soql: String = "") throws -> String {
        let answer = ask(path, soql)
        guard case .list(let errors) = try JSONReader.parse(answer.body) else { return "no error" }
        return "\(answer.status) \(errors.first?.fields?["errorCode"]?.text ?? "")"
    }

    private mutating func perform(_ step: String) throws {
        guard case .salesforce(let edit) = try ScriptStep(try JSONReader.parse(step)) else { return }
        try endpoint.org.perform(edit, now: 0)
    }

    @Test mutating func `a limit that is reached refuses every call, and the header follows`() throws {
        try perform(#"{"limits": {"DailyApiRequests": {"max": 100, "remaining": 2}}}"#)
        let usage = (1...2).map { _ in ask("/limits").headers.last }
        #expect(usage.map { $0?.value } == ["api-usage=99/100", "api-usage=100/100"])
        #expect(usage[0]?.name == "Sforce-Limit-Info")
        #expect(try refusal("/limits") == "403 REQUEST_LIMIT_EXCEEDED")
        #expect(ask("/query", "SELECT Id FROM Account").headers.last?.value == "api-usage=100/100")
        try perform(#"{"limits": {"DailyApiRequests": {"remaining": 50}}}"#)
        let limits = try JSONReader.parse(ask("/limits").body).fields
        #expect(limits?["DailyApiRequests"]?.fields?["Remaining"] == .int(49))
        #expect(limits?["DailyDeliveredPlatformEvents"]?.fields?["Max"] == .int(50_000))
        #expect(limits?["HourlyPublishedPlatformEvents"] != nil && limits?["DailyBulkV2QueryJobs"] != nil)
    }

    @Test mutating func `failures come where and as often as they are asked for`() throws {
        try perform(#"{"rest": {"code": "UNABLE_TO_LOCK_ROW", "path": "/sobjects/*", "times": 2}}"#)
        #expect(ask("/limits").status == 200)
        for _ in 1...2 { #expect(try refusal("/sobjects/Account/001x") == "400 UNABLE_TO_LOCK_ROW") }
        #expect(try refusal("/sobjects/Account/001x") == "404 NOT_FOUND")
        try perform(#"{"rest": {"status": 503}}"#)
        #expect(try refusal("/limits") == "503 SERVER_UNAVAILABLE")
        try perform(#"{"rest": {"status": 502, "message": "maintenance"}}"#)
        let page = ask("/limits")
        #expect(page.status == 502 && String(decoding: page.body, as: UTF8.self).contains("<body>maintenance"))
        #expect(page.headers.first?.value == "text/html")
        try perform(#"{"rest": {"status": 409, "code": "CONFLICT_OF_MINE", "message": "no"}}"#)
        #expect(try refusal("/limits") == "409 CONFLICT_OF_MINE")
        #expect(ask("/limits").status == 200)
    }

    @Test mutating func `members name a custom channel and a custom entity by IDs, and their metadata by names`() throws
    {
        let channel = try #require(try tooling("SELECT Id, DeveloperName, ChannelType FROM PlatformEventChannel").first)
        #expect(channel["DeveloperName"] == .string("Orders") && channel["ChannelType"] == .string("data"))
        let id = try #require(channel["Id"]?.text)
        #expect(id.hasPrefix("0YL"))
        let members = try tooling(
            "SELECT Id, SelectedEntity, DeveloperName FROM PlatformEventChannelMember WHERE EventChannel = '\(id)'")
        #expect(members.map { $0["SelectedEntity"]?.text?.prefix(3) } == ["01I", "Opp"])
        #expect(members[0]["DeveloperName"] == .string("Orders_chn_sfy24_ProductionOrder_ChangeEvent"))
        let one = "SELECT Metadata FROM PlatformEventChannelMember WHERE Id = '\(members[0]["Id"]?.text ?? "")'"
        let metadata = try tooling(one).first?["Metadata"]?.fields
        #expect(metadata?["selectedEntity"] == .string("sfy24__ProductionOrder__ChangeEvent"))
        #expect(metadata?["eventChannel"] == .string("Orders__chn"))
        let named = "SELECT Id FROM PlatformEventChannelMember WHERE EventChannel ="
        #expect(try tooling("\(named) 'Orders__chn'").isEmpty)
        #expect(try tooling("\(named) 'ChangeEvents'").count == 3)
    }

    @Test mutating func `metadata is given of one row only`() throws {
        let query = "SELECT Metadata FROM PlatformEventChannelMember"
        #expect(try refusal("/tooling/query", query) == "400 MALFORMED_QUERY")
        #expect(try tooling(query + " LIMIT 1").count == 1)
        #expect(try refusal("/tooling/query", "SELECT Id FROM ApexClass") == "400 INVALID_TYPE")
        #expect(try refusal("/tooling/query", "SELECT Nope FROM PlatformEventChannel") == "400 INVALID_FIELD")
    }

    @Test mutating func `a managed subscription tells its topic and state`() throws {
        let query = "SELECT Id, Metadata FROM ManagedEventSubscription WHERE DeveloperName = 'Sluice_Orders'"
        try perform(#"{"managed": {"name": "Sluice_Orders", "state": "STOP"}}"#)
        let row = try #require(try tooling(query).first)
        #expect(row["Id"]?.text?.hasPrefix("18x") == true)
        #expect(row["Metadata"]?.fields?["state"] == .string("STOP"))
        #expect(row["Metadata"]?.fields?["topicName"] == .string("/data/Orders__chn"))
        try perform(#"{"managed": {"name": "Sluice_Orders", "deleted": true}}"#)
        #expect(try tooling(query).isEmpty)
    }

    @Test mutating func `a permission that is taken shows where tools look`() throws {
        let seen = "SELECT SobjectType FROM ObjectPermissions WHERE PermissionsViewAllRecords = true"
        try perform(#"{"permission": {"entity": "Opportunity", "viewAll": false}}"#)
        let body = String(decoding: ask("/query", seen).body, as: UTF8.self)
        #expect(body.contains("\"Account\"") && !body.contains("Opportunity"))
        try perform(#"{"permission": {"entity": "Opportunity", "viewAll": true}}"#)
        #expect(String(decoding: ask("/query", seen).body, as: UTF8.self).contains("Opportunity"))
    }
}
