import Events
import Testing

@testable import Emulator

@Suite struct FlowMateModelTests {
    private var model = FlowMateModel(token: "t")
    private let flow = EmulatorDefaults.flowMateOrderFlow
    private var now: Int64 = 1_800_000_000_000

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
        let outcome = model.webhook(request, flowID: EmulatorDefaults.flowMateAccountFlow, now: now, freshID: "f")
        #expect(outcome.answer.status == 200)
        #expect(!outcome.wasExecuted)
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
        let outcome = model.webhook(request, flowID: flow, now: now, freshID: "f")
        #expect(outcome.answer.status == 200)
        #expect(!outcome.wasExecuted)
    }

    @Test mutating func `the list is paged and filtered`() throws {
        let page = try list(["page[size]": "2", "page[number]": "2"])
        #expect(page["meta"]?.fields?["total"] == .int(4))
        #expect(page["meta"]?.fields?["totalPages"] == .int(2))
        #expect(page["data"]?.list?.count == 2)
        #expect(try list(["filter[status]": "inactive"])["data"]?.list?.count == 1)
        #expect(try list(["page[size]": "100", "page[number]": "9223372036854775807"])["data"]?.list == [])
        #expect(flows(request(["filter[status]": "starting"])).status == 400)
    }

    @Test mutating func `flows need the token`() {
        var request = TargetRequest(method: "GET", path: "/flows")
        #expect(flows(request).status == 401)
        request.headers["authorization"] = "Bearer wrong"
        #expect(flows(request).status == 401)
    }

    @Test mutating func `one flow has its contract in its first node`() throws {
        var one = request([:])
        one.path = "/flows/\(flow)"
        let body = try JSONReader.parse(flows(one).body).fields?["data"]?.fields
        #expect(body?["status"] == .string("active"))
        let node = body?["graph"]?.fields?["nodes"]?.list?.first?.fields
        let payload = node?["fields"]?.fields?["payload"]?.fields
        #expect(payload?["inputParameters"]?.fields?["quantity"] == .string("number"))
        one.path = "/flows/x"
        #expect(flows(one).status == 400)
    }

    private func request(_ query: [String: String]) -> TargetRequest {
        TargetRequest(method: "GET", path: "/flows", query: query, headers: ["authorization": "Bearer t"])
    }

    private mutating func flows(_ request: TargetRequest) -> HTTPAnswer {
        model.answerFlows(request, now: now)
    }

    private mutating func list(_ query: [String: String]) throws -> Fields {
        try #require(try JSONReader.parse(flows(request(query)).body).fields)
    }

    private mutating func post(
        _ body: String, id: String?, flow: String? = nil, type: String? = "application/json; charset=utf-8"
    ) -> (HTTPAnswer, Bool) {
        var request = TargetRequest(method: "POST", path: "/webhooks/x", body: Array(body.utf8))
        request.headers["content-type"] = type
        request.headers["x-request-id"] = id
        let outcome = model.webhook(request, flowID: flow ?? self.flow, now: now, freshID: "fresh")
        return (outcome.answer, outcome.wasExecuted)
    }

    // MARK: Traps

    @Test(arguments: [
        ("application/json", #"{"a":1.0,"b":9007199254740993}"#, #"{"a":1,"b":9007199254740992}"#),
        ("text/plain", #"{"a":[true]}"#, #"{"a":[true]}"#),
        ("application/x-www-form-urlencoded", "a=1&b=x%20y", #"{"a":"1","b":"x y"}"#),
        ("application/cloudevents+json", #"{"a":1}"#, "{}"), ("application/octet-stream", #"{"a":1}"#, "{}"),
        ("text/csv", "a;b", "{}"),
        ("text/xml; charset=utf-8", "<s:o xmlns:s='u'><s:n>1 &amp; 2</s:n></s:o>",
            #"{"s-o":{"_attr":{"xmlns:s":"u"},"s-n":"1 & 2"}}"#),
        ("application/soap+xml", "<?xml version='1.0'?><a><b/><b>x</b></a>", #"{"a":{"b":["","x"]}}"#),
        ("multipart/form-data; boundary=XyZ", "--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XyZ--",
            #"{"a":"1"}"#),
    ])
    mutating func `what the first step gets depends on the content type`(
        _ type: String, _ body: String, _ data: String
    ) throws {
        var request = TargetRequest(method: "POST", path: "/webhooks/\(flow)", body: Array(body.utf8))
        request.headers = ["content-type": type]
        let outcome = model.answer(request, now: now, fresh: fresh)
        #expect(outcome.answer.status == 200 && outcome.wasExecuted)
        #expect(outcome.data == (try JSONReader.parse(data)))
    }

    @Test(arguments: [
        ("text/xml", "<a><b></a>"), ("application/xml", "no markup"), ("multipart/form-data", "--x--"),
        ("multipart/form-data; boundary=x", "--x\r\nno end"),
    ])
    mutating func `a form or XML that cannot be read is refused`(_ type: String, _ body: String) {
        var request = TargetRequest(method: "POST", path: "/webhooks/\(flow)", body: Array(body.utf8))
        request.headers = ["content-type": type]
        #expect(model.answer(request, now: now, fresh: fresh).answer.status == 400)
    }

    @Test(arguments: ["gzip", "deflate"])
    mutating func `a compressed body is read, one that lies about it is not`(_ encoding: String) throws {
        let text = encoding == "gzip" ? InflateTests.gzipped : InflateTests.deflated
        var request = TargetRequest(method: "POST", path: "/webhooks/\(flow)", body: try #require(Base64.decode(text)))
        request.headers = ["content-type": "application/json", "content-encoding": encoding]
        #expect(model.answer(request, now: now, fresh: fresh).data == .record(["data": .record(["n": .int(1)])]))
        request.body = Array("{}".utf8)
        #expect(model.answer(request, now: now, fresh: fresh).answer.status == 400)
        request.headers["content-encoding"] = "br"
        #expect(model.answer(request, now: now, fresh: fresh).answer.status == 415)
    }

    @Test mutating func `starting twice is a conflict where the platform is like that`() throws {
        #expect(control(flow, "start") == "starting", "the open source answers as if it were not running")
        try model.perform(.manners(refusesHead: nil, refusesRepeatedSwitch: true), now: now, freshID: "x")
        #expect(status(flow) == "active")
        var request = TargetRequest(
            method: "POST", path: "/flows/\(flow)/start", headers: ["authorization": "Bearer t"])
        #expect(flows(request) == FlowMateModel.errors(409, "Flow with id \(flow) is not inactive."))
        #expect(control(flow, "stop") == "stopping")
        request.path = "/flows/\(flow)/stop"
        #expect(flows(request).status == 409)
        now += FlowMateFlow.settlingMilliseconds
        #expect(control(flow, "start") == "starting")
    }

    @Test mutating func `a gateway may keep HEAD away from the webhook`() throws {
        try model.perform(.manners(refusesHead: true, refusesRepeatedSwitch: nil), now: now, freshID: "x")
        let head = TargetRequest(method: "HEAD", path: "/webhooks/\(flow)")
        #expect(model.answer(head, now: now, fresh: fresh).answer.status == 405)
        #expect(post("{}", id: "a").0.status == 200)
    }

    @Test mutating func `a GET runs the flow with its query, whatever the flow asks for`() throws {
        try model.perform(edit { $0.auth = "bearer" }, now: now, freshID: "x")
        let outcome = model.answer(
            TargetRequest(method: "GET", path: "/webhooks/\(flow)", query: ["a": "1"]), now: now, fresh: fresh)
        #expect(outcome.wasExecuted && outcome.data == .record(["a": .string("1")]))
    }

    @Test mutating func `an Origin header is refused, and a flow without a first step`() throws {
        var request = TargetRequest(method: "POST", path: "/webhooks/\(flow)", body: Array("{}".utf8))
        request.headers = ["content-type": "application/json", "origin": "https://x.example"]
        #expect(model.answer(request, now: now, fresh: fresh).answer.status == 500)
        try model.perform(edit { $0.hasFirstStep = false }, now: now, freshID: "x")
        request.headers["origin"] = nil
        #expect(model.answer(request, now: now, fresh: fresh).answer == .error(404, "Flow has no first node"))
    }

    @Test(arguments: [("0", "10"), ("-1", "10"), ("x", "10"), ("1", "-5")])
    mutating func `a page that does not exist is never answered`(_ page: String, _ size: String) {
        #expect(flows(request(["page[number]": page, "page[size]": size])).delay == FlowMateModel.never)
    }

    @Test mutating func `a started flow answers once it has started, a stopped one no longer at once`() {
        let inactive = EmulatorDefaults.flowMateInactiveFlow
        #expect(control(inactive, "start") == "starting")
        #expect(post("{}", id: "a", flow: inactive).0.status == 404)
        now += FlowMateFlow.settlingMilliseconds
        #expect(post("{}", id: "b", flow: inactive).0.status == 200)
        #expect(control(inactive, "stop") == "stopping")
        #expect(post("{}", id: "c", flow: inactive).0.status == 404)
    }

    @Test mutating func `a deployment that fails is undone quietly`() throws {
        let inactive = EmulatorDefaults.flowMateInactiveFlow
        var flow = FlowMateEdit.Flow(id: inactive)
        flow.failsToStart = true
        try model.perform(.flow(flow), now: now, freshID: "x")
        _ = control(inactive, "start")
        #expect(status(inactive) == "starting")
        now += FlowMateFlow.settlingMilliseconds
        #expect(status(inactive) == "stopping")
        now += FlowMateFlow.undoingMilliseconds
        #expect(status(inactive) == "inactive")
    }

    @Test mutating func `many are switched by a list of IDs, each with its own answer`() throws {
        var request = TargetRequest(
            method: "POST", path: "/flows/multiple/stop", headers: ["authorization": "Bearer t"],
            body: Array(#"["\#(flow)","0123456789abcdef01234567"]"#.utf8))
        let answers = try #require(try JSONReader.parse(flows(request).body).list)
        #expect(answers[0].fields?["data"]?.fields?["status"] == .string("stopping"))
        #expect(answers[1].fields?["errors"] != nil)
        request.body = Array("{}".utf8)
        #expect(flows(request).status == 500)
    }

    @Test mutating func `impersonating makes a user, whose token sees only his own flows`() throws {
        let made = try call("POST", "/impersonate", #"{"username":"New"}"#)
        let token = try #require(made["token"]?.text)
        #expect(token.utf8.count == 171)
        #expect(model.users.last?.username == "new")
        var mine = request([:])
        mine.headers["authorization"] = "Bearer \(token)"
        #expect(try JSONReader.parse(flows(mine).body).fields?["data"]?.list == [])
        mine.path = "/users"
        #expect(model.answer(mine, now: now, fresh: fresh).answer == FlowMateModel.message(403, "FORBIDDEN"))
    }

    @Test mutating func `a session ends three hours after its last use, a persistent token does not`() throws {
        let body = #"{"username":"acme","password":"\#(EmulatorDefaults.flowMatePassword)"}"#
        let token = try #require(try call("POST", "/login", body)["token"]?.text)
        var mine = request([:])
        mine.headers["authorization"] = "Bearer \(token)"
        for _ in 0..<3 {
            now += FlowMateModel.sessionMilliseconds - 1
            #expect(flows(mine).status == 200)
        }
        now += FlowMateModel.sessionMilliseconds
        #expect(flows(mine).status == 401)
        let kept = try call("POST", "/api/v1/tokens", #"{"accountId":"5","expiresIn":-1,"description":"d"}"#)
        mine.headers["authorization"] = "Bearer \(try #require(kept["token"]?.text))"
        now += 100 * FlowMateModel.sessionMilliseconds
        #expect(flows(mine).status == 200)
    }

    @Test(arguments: [
        (#"{"username":"nobody","password":"x"}"#, "USER_NOT_FOUND"),
        (#"{"username":"acme","password":"x"}"#, "PASSWORD_INCORRECT"),
        (#"{"username":"initech","password":"x"}"#, "ENTITY_DISABLED"),
    ])
    mutating func `a login that fails says why, with 401`(_ body: String, _ why: String) {
        let request = TargetRequest(method: "POST", path: "/login", body: Array(body.utf8))
        #expect(model.answer(request, now: now, fresh: fresh).answer == FlowMateModel.message(401, why))
    }

    @Test mutating func `executions are counted by day`() throws {
        _ = post("{}", id: "a")
        _ = post("{}", id: "a")
        _ = post("{}", id: "b")
        let day = String(EpochText.text(now).prefix(10))
        let query = ["start": day, "end": day, "groupby": "flow"]
        let request = TargetRequest(
            method: "GET", path: "/icenter/executions", query: query, headers: ["authorization": "Bearer t"])
        let answer = try JSONReader.parse(model.answer(request, now: now, fresh: fresh).answer.body)
        #expect(answer.fields?["data"]?.list == [.record(["id": .string(flow), "count": .int(2)])])
    }

    @Test mutating func `a flow that asks for a signature takes base64, not hex`() throws {
        var edit = FlowMateEdit.Flow(id: flow)
        edit.hmacKey = "key"
        try model.perform(.flow(edit), now: now, freshID: "x")
        var request = TargetRequest(method: "POST", path: "/webhooks/\(flow)", body: Array("{}".utf8))
        request.headers = ["content-type": "application/json", "x-hmac": "hex"]
        #expect(model.answer(request, now: now, fresh: fresh).answer.status == 403)
        // printf '{}' | openssl dgst -sha256 -hmac key -binary | base64
        request.headers["x-hmac"] = "p3dyTZQ+tI3Gm8qKSm1XoE2z+ex+HeTlgehgJlvfMDI="
        #expect(model.answer(request, now: now, fresh: fresh).answer.status == 200)
    }

    private var fresh: String { String(repeating: "0a", count: 85) + "1" }

    private func edit(_ change: (inout FlowMateEdit.Flow) -> Void) -> FlowMateEdit {
        var edit = FlowMateEdit.Flow(id: flow)
        change(&edit)
        return .flow(edit)
    }

    private mutating func call(_ method: String, _ path: String, _ body: String) throws -> Fields {
        let request = TargetRequest(
            method: method, path: path, headers: ["authorization": "Bearer t"], body: Array(body.utf8))
        let fresh = String(repeating: String(now % 97 + 3), count: 171).prefix(171)
        return try #require(
            try JSONReader.parse(model.answer(request, now: now, fresh: String(fresh)).answer.body).fields)
    }

    private mutating func control(_ id: String, _ verb: String) -> String? {
        let request = TargetRequest(
            method: "POST", path: "/flows/\(id)/\(verb)", headers: ["authorization": "Bearer t"])
        return try? JSONReader.parse(flows(request).body).fields?["data"]?.fields?["status"]?.text
    }

    private func status(_ id: String) -> String? { model.flows.first { $0.id == id }?.status(at: now) }
}

extension Value {
    var list: [Value]? { if case .list(let values) = self { values } else { nil } }
    var text: String? { if case .string(let text) = self { text } else { nil } }
}
