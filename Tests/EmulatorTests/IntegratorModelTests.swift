import Events
import Testing

@testable import Emulator

@Suite struct IntegratorModelTests {
    private var model = IntegratorModel(token: "t", timing: .init(queuedMilliseconds: 10, runningMilliseconds: 20))
    private let flow = EmulatorDefaults.integratorFlow

    @Test mutating func `a run is queued, runs and completes`() throws {
        #expect(run(at: 100, id: "j1").status == 201)
        #expect(try status("j1", at: 100) == "queued")
        #expect(try status("j1", at: 110) == "running")
        #expect(try status("j1", at: 130) == "completed")
    }

    @Test mutating func `one may wait while one runs, a second may not`() throws {
        _ = run(at: 100, id: "j1")
        #expect(run(at: 105, id: "no").status == 409)
        #expect(run(at: 115, id: "j2").status == 201)
        #expect(run(at: 116, id: "no").status == 409)
        #expect(try status("j2", at: 129) == "queued")
        #expect(try status("j2", at: 130) == "running")
    }

    @Test mutating func `a disabled flow, a listener and an unknown one cannot be run`() {
        #expect(run(at: 0, id: "j", flow: EmulatorDefaults.integratorDisabledFlow).status == 422)
        #expect(run(at: 0, id: "j", flow: EmulatorDefaults.integratorListenerFlow).status == 422)
        #expect(run(at: 0, id: "j", flow: "nope").status == 404)
    }

    @Test mutating func `endings are taken in turn`() throws {
        model.endings = [.failed, .completed(errors: 2)]
        _ = run(at: 0, id: "j1")
        _ = run(at: 100, id: "j2")
        #expect(try status("j1", at: 1000) == "failed")
        let job = try #require(json(get("/v1/jobs/j2", at: 1000)).fields)
        #expect(job["status"] == .string("completed"))
        #expect(job["numError"] == .int(2))
        #expect(job["endedAt"] == .string("1970-01-01T00:00:00.130Z"))
    }

    @Test mutating func `the list wants a filter, is newest first and obeys dates`() throws {
        _ = run(at: 1000, id: "j1")
        _ = run(at: 2000, id: "j2")
        #expect(get("/v1/jobs", at: 0).status == 400)
        #expect(try ids(["_flowId": flow]) == ["j2", "j1"])
        #expect(try ids(["_flowId": flow, "createdAt_gte": "1970-01-01T00:00:01.500Z"]) == ["j2"])
        #expect(try ids(["createdAt_lte": "1500"]) == ["j1"])
        #expect(try ids(["createdAt_gte": "3000", "createdAt_lte": "1500"]) == [])
        #expect(get("/v1/jobs", at: 0, query: ["createdAt_gte": "soon"]).status == 400)
    }

    @Test mutating func `the latest job of a flow comes as a list`() throws {
        #expect(try json(get("/v1/flows/\(flow)/jobs/latest", at: 0)).list == [])
        _ = run(at: 1000, id: "j1")
        #expect(try json(get("/v1/flows/\(flow)/jobs/latest", at: 1000)).list?.count == 1)
    }

    @Test mutating func `a canceled job is over`() throws {
        _ = run(at: 100, id: "j1")
        let request = TargetRequest(
            method: "PUT", path: "/v1/jobs/j1/cancel", headers: ["authorization": "Bearer t"])
        #expect(model.answer(request, now: 105, freshID: "").status == 200)
        #expect(try status("j1", at: 105) == "canceled")
        #expect(run(at: 106, id: "j2").status == 201)
    }

    @Test mutating func `everything but listeners needs the token`() {
        let request = TargetRequest(method: "GET", path: "/v1/tokenInfo")
        #expect(model.answer(request, now: 0, freshID: "").status == 401)
        #expect(get("/v1/tokenInfo", at: 0).status == 200)
        #expect(get("/v1/exports/\(EmulatorDefaults.integratorExport)", at: 0).status == 200)
        #expect(get("/v1/connections/\(EmulatorDefaults.integratorConnection)", at: 0).status == 200)
        #expect(get("/v1/nothing", at: 0).status == 404)
    }

    @Test(arguments: [
        ("POST", EmulatorDefaults.listenerPath, "{}", 204), ("PUT", EmulatorDefaults.listenerPath, "[]", 204),
        ("GET", EmulatorDefaults.listenerPath, "", 405), ("POST", EmulatorDefaults.listenerPath, "{", 400),
        ("POST", "/v1/exports/\(EmulatorDefaults.integratorListenerExport)/wrong/data", "{}", 401),
        ("POST", "/v1/exports/\(EmulatorDefaults.integratorListenerExport)/data", "{}", 401),
        ("POST", "/v1/exports/nope/\(EmulatorDefaults.listenerToken)/data", "{}", 404),
    ])
    func `a listener checks method, token and body`(method: String, path: String, body: String, status: Int) {
        let request = TargetRequest(
            method: method, path: path, headers: ["content-type": "application/json"], body: Array(body.utf8))
        #expect(IntegratorModel.isListener(request.pieces))
        #expect(model.listener(request).0.status == status)
    }

    @Test mutating func `an empty list has no body, and a long one has pages`() throws {
        #expect(get("/v1/flows", at: 0).status == 200)
        let first = get("/v1/flows", at: 0, query: ["limit": "2"])
        #expect(try json(first).list?.count == 2)
        #expect(first.headers.contains { $0.name == "link" && $0.value.contains("skip=2") })
        model.catalogue.flows = []
        #expect(get("/v1/flows", at: 0) == HTTPAnswer(status: 204))
    }

    @Test mutating func `a PUT erases what it leaves out, a patch does not`() throws {
        let patch = #"[{"op":"replace","path":"/disabled","value":true}]"#
        #expect(send("PATCH", "/v1/flows/\(flow)", patch).status == 204)
        #expect(model.catalogue.flow(flow)?["pageGenerators"] != nil)
        #expect(send("PATCH", "/v1/flows/\(flow)", #"[{"op":"add","path":"/x","value":true}]"#).status == 422)
        #expect(send("PUT", "/v1/flows/\(flow)", #"{"name":"n"}"#).status == 200)
        #expect(model.catalogue.flow(flow)?["pageGenerators"] == nil)
    }

    @Test mutating func `a clone maps every connection`() {
        #expect(send("POST", "/v1/flows/\(flow)/clone", "{}").status == 400)
        #expect(send("POST", "/v1/flows/\(flow)/clone", #"{"_integrationId":"1","connectionMap":{}}"#).status == 400)
        let connections = (EmulatorDefaults.integratorConnection, EmulatorDefaults.integratorTargetConnection)
        let map = #""\#(connections.0)":"a","\#(connections.1)":"b""#
        #expect(
            send("POST", "/v1/flows/\(flow)/clone", #"{"_integrationId":"1","connectionMap":{\#(map)}}"#).status == 201)
        #expect(model.catalogue.flows.count == 4)
    }

    @Test mutating func `behind an offline connection runs stay queued, and go on by themselves`() throws {
        let id = EmulatorDefaults.integratorConnection
        try model.perform(.connection(id: id, isOffline: true))
        _ = run(at: 100, id: "j1")
        #expect(try status("j1", at: 3_600_000) == "queued")
        try model.perform(.connection(id: id, isOffline: false))
        #expect(try status("j1", at: 3_600_001) == "queued")
        #expect(try status("j1", at: 3_600_100) == "completed")
    }

    @Test mutating func `a window exports what it holds, and moves the watermark`() throws {
        try model.perform(.records([1000, 2000, 3000]))
        let window = #"{"export":{"startDate":"1970-01-01T00:00:01.000Z","endDate":"1970-01-01T00:00:02.500Z"}}"#
        _ = send("POST", "/v1/flows/\(flow)/run", window, at: 10_000, id: "j1")
        #expect(try json(get("/v1/jobs/j1", at: 20_000)).fields?["numExport"] == .int(1))
        let watermark = try json(get("/v1/flows/\(flow)/lastExportDateTime", at: 20_000))
        #expect(watermark.fields?["lastExportDateTime"] == .string("1970-01-01T00:00:02.500Z"))
    }

    @Test mutating func `errors of a run are kept until they are retried or resolved`() throws {
        model.endings = [.completed(errors: 3)]
        _ = run(at: 0, id: "j1")
        let step = "/v1/flows/\(flow)/\(EmulatorDefaults.integratorImport)"
        let errors = try #require(try json(get("\(step)/errors", at: 1000)).fields?["errors"]?.list)
        #expect(errors.count == 3)
        let id = errors[0].fields?["errorId"]?.text ?? ""
        let key = errors[1].fields?["retryDataKey"]?.text ?? ""
        #expect(send("PUT", "\(step)/resolved", #"{"errors":["\#(id)"]}"#, at: 1001).status == 204)
        #expect(send("POST", "\(step)/retry", #"{"retryDataKeys":["\#(key)"]}"#, at: 1002).status == 200)
        #expect(model.errors.count == 1)
    }

    @Test mutating func `an account that asks too often is told when to come back`() throws {
        try model.perform(.bucket(burst: 3, refill: 1))
        for _ in 0..<3 { #expect(get("/v1/tokenInfo", at: 1000).status == 200) }
        let refused = get("/v1/tokenInfo", at: 1000)
        #expect(refused.status == 429 && refused.headers.contains(.init(name: "retry-after", value: "1")))
        #expect(get("/v1/tokenInfo", at: 2000).status == 200)
    }

    @Test mutating func `what is posted to the listener of a disabled flow is accepted and lost`() {
        let request = TargetRequest(
            method: "POST", path: EmulatorDefaults.listenerPath, headers: ["content-type": "application/json"],
            body: Array("{}".utf8))
        #expect(model.listener(request).0.status == 204)
        #expect(model.listener(request).1 != nil)
        let id = EmulatorDefaults.integratorListenerFlow
        _ = send("PATCH", "/v1/flows/\(id)", #"[{"op":"replace","path":"/disabled","value":true}]"#)
        #expect(model.listener(request).0.status == 204)
        #expect(model.listener(request).1 == nil)
    }

    private mutating func send(
        _ method: String, _ path: String, _ body: String, at now: Int64 = 0, id: String = "0123456789abcdef01234567"
    ) -> HTTPAnswer {
        let request = TargetRequest(
            method: method, path: path, headers: ["authorization": "Bearer t"], body: Array(body.utf8))
        return model.answer(request, now: now, freshID: id)
    }

    private mutating func run(at now: Int64, id: String, flow: String? = nil) -> HTTPAnswer {
        let request = TargetRequest(
            method: "POST", path: "/v1/flows/\(flow ?? self.flow)/run", headers: ["authorization": "Bearer t"],
            body: Array("{}".utf8))
        return model.answer(request, now: now, freshID: id)
    }

    private mutating func get(_ path: String, at now: Int64, query: [String: String] = [:]) -> HTTPAnswer {
        model.answer(
            TargetRequest(
                method: "GET", path: path, query: query,
                headers: ["authorization": "Bearer t", "host": "127.0.0.1:1"]),
            now: now, freshID: "")
    }

    // MARK: What a listener reads

    @Test(arguments: [
        ("application/json", #"{"a":1}"#, #"[{"a":1}]"#), ("application/json; charset=utf-8", "[1,2]", "[[1,2]]"),
        ("text/xml", "<o id='7'><n>1</n><n>2</n></o>", #"[{"o":{"_attr":{"id":"7"},"n":["1","2"]}}]"#),
        ("application/x-www-form-urlencoded", "a=1&b=x%20y", #"[{"a":"1","b":"x y"}]"#),
    ])
    func `a listener takes JSON, XML and forms`(_ type: String, _ body: String, _ records: String) throws {
        let (answer, taken) = model.listener(post(type, body))
        #expect(answer.status == 204)
        #expect(taken.map(Value.list) == (try JSONReader.parse(records)))
    }

    @Test(arguments: [
        ("text/csv", "a;b", 415), ("application/cloudevents+json", "{}", 415), ("", "{}", 415), ("application/xml", "<a>", 400),
        ("application/json", "{", 400),
    ])
    func `a listener refuses what it does not read`(_ type: String, _ body: String, _ status: Int) {
        let (answer, taken) = model.listener(post(type, body))
        #expect(answer.status == status && taken == nil)
    }

    @Test mutating func `an export's media type goes before the request's, and its path cuts records`() throws {
        try model.perform(.listener(records: "data.items", mediaType: "json"))
        let (answer, taken) = model.listener(post("text/csv", #"{"data":{"items":[{"a":1},{"a":2}]},"b":1}"#))
        #expect(answer.status == 204 && taken?.count == 2)
        #expect(model.listener(post("text/csv", #"{"b":1}"#)).1?.count == 1)
        try model.perform(.listener(records: "", mediaType: "plaintext"))
        #expect(model.listener(post("application/json", "hello")).1 == [.string("hello")])
    }

    private func post(_ type: String, _ body: String) -> TargetRequest {
        TargetRequest(
            method: "POST", path: EmulatorDefaults.listenerPath, headers: type.isEmpty ? [:] : ["content-type": type],
            body: Array(body.utf8))
    }

    private func json(_ answer: HTTPAnswer) throws -> Value { try JSONReader.parse(answer.body) }

    private mutating func status(_ id: String, at now: Int64) throws -> String? {
        try json(get("/v1/jobs/\(id)", at: now)).fields?["status"]?.text
    }

    private mutating func ids(_ query: [String: String]) throws -> [String] {
        try json(get("/v1/jobs", at: 10_000, query: query)).list?.compactMap { $0.fields?["_id"]?.text } ?? []
    }
}
