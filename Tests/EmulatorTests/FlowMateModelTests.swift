import Events
import Testing

@testable import Emulator

@Suite struct FlowMateModelTests {
    private var model = FlowMateModel(token: "t")
    private let flow = EmulatorDefaults.flowMateOrderFlow

    @Test mutating func `a post is accepted once and echoes its request ID`() throws {
        let first = post(#"{"data":{}}"#, id: "abc")
        #expect(first.0.status == 200)
        #expect(first.1)
        #expect(String(decoding: first.0.body, as: UTF8.self) == #"{"data":{"requestId":"abc","message":"thank you"}}"#)
        let second = post(#"{"data":{}}"#, id: "abc")
        #expect(second.0.status == 200)
        #expect(!second.1)
    }

    @Test mutating func `the same request ID on another flow is dropped as well`() {
        _ = post("{}", id: "abc")
        var request = TargetRequest(method: "POST", path: "/webhooks/x")
        request.headers = ["content-type": "application/json", "x-request-id": "abc"]
        request.body = Array("{}".utf8)
        let (answer, ran) = model.webhook(request, flowID: EmulatorDefaults.flowMateAccountFlow, freshID: "f")
        #expect(answer.status == 200)
        #expect(!ran)
    }

    @Test mutating func `without a request ID it makes one`() {
        let (answer, ran) = post("{}", id: nil)
        #expect(ran)
        #expect(String(decoding: answer.body, as: UTF8.self).contains("fresh"))
    }

    @Test(arguments: ["{", "12", #""text""#])
    mutating func `a body that is not an object or a list is refused`(body: String) {
        #expect(post(body, id: "a").0.status == 400)
    }

    @Test mutating func `the content type must be there`() {
        #expect(post("{}", id: "a", type: nil).0.status == 415)
        // Accepted and lost, as the real one does.
        #expect(post("not JSON", id: "a", type: "application/octet-stream").0.status == 200)
    }

    @Test mutating func `a body above ten megabytes is refused before the flow is looked at`() {
        let body = String(repeating: " ", count: FlowMateModel.maximumBodyBytes + 1)
        let (answer, _) = post(body, id: "a", flow: "nonsense")
        #expect(answer.status == 413)
    }

    @Test(arguments: [
        EmulatorDefaults.flowMateInactiveFlow, EmulatorDefaults.flowMateScheduledFlow, "0123456789abcdef01234567",
    ])
    mutating func `a flow without a webhook answers 404, and not at once`(flow: String) {
        let (answer, _) = post("{}", id: "a", flow: flow)
        #expect(answer.status == 404)
        #expect(answer.delay == .seconds(1))
        #expect(String(decoding: answer.body, as: UTF8.self).contains("either does not exist or is inactive."))
    }

    @Test mutating func `a malformed flow ID is a server error`() {
        #expect(post("{}", id: "a", flow: "x").0.status == 500)
    }

    @Test mutating func `HEAD only looks`() {
        let request = TargetRequest(method: "HEAD", path: "/webhooks/x")
        let (answer, ran) = model.webhook(request, flowID: flow, freshID: "f")
        #expect(answer.status == 200)
        #expect(!ran)
    }

    @Test func `the list is paged and filtered`() throws {
        let page = try list(["page[size]": "2", "page[number]": "2"])
        #expect(page["meta"]?.fields?["total"] == .int(4))
        #expect(page["meta"]?.fields?["totalPages"] == .int(2))
        #expect(page["data"]?.list?.count == 2)
        #expect(try list(["filter[status]": "inactive"])["data"]?.list?.count == 1)
        #expect(try list(["page[size]": "100", "page[number]": "9223372036854775807"])["data"]?.list == [])
        #expect(model.flows(request(["filter[status]": "starting"])).status == 400)
    }

    @Test func `flows need the token`() {
        var request = TargetRequest(method: "GET", path: "/flows")
        #expect(model.flows(request).status == 401)
        request.headers["authorization"] = "Bearer wrong"
        #expect(model.flows(request).status == 401)
    }

    @Test func `one flow has its contract in its first node`() throws {
        var one = request([:])
        one.path = "/flows/\(flow)"
        let body = try JSONReader.parse(model.flows(one).body).fields?["data"]?.fields
        #expect(body?["status"] == .string("active"))
        let node = body?["graph"]?.fields?["nodes"]?.list?.first?.fields
        let payload = node?["fields"]?.fields?["payload"]?.fields
        #expect(payload?["inputParameters"]?.fields?["quantity"] == .string("number"))
        one.path = "/flows/x"
        #expect(model.flows(one).status == 400)
    }

    private func request(_ query: [String: String]) -> TargetRequest {
        TargetRequest(method: "GET", path: "/flows", query: query, headers: ["authorization": "Bearer t"])
    }

    private func list(_ query: [String: String]) throws -> Fields {
        try #require(try JSONReader.parse(model.flows(request(query)).body).fields)
    }

    private mutating func post(
        _ body: String, id: String?, flow: String? = nil, type: String? = "application/json; charset=utf-8"
    ) -> (HTTPAnswer, Bool) {
        var request = TargetRequest(method: "POST", path: "/webhooks/x", body: Array(body.utf8))
        request.headers["content-type"] = type
        request.headers["x-request-id"] = id
        return model.webhook(request, flowID: flow ?? self.flow, freshID: "fresh")
    }
}

extension Value {
    var list: [Value]? { if case .list(let values) = self { values } else { nil } }
    var text: String? { if case .string(let text) = self { text } else { nil } }
}
