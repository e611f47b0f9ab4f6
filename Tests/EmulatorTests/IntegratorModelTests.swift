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
        #expect(model.listener(request).status == status)
    }

    private mutating func run(at now: Int64, id: String, flow: String? = nil) -> HTTPAnswer {
        let request = TargetRequest(
            method: "POST", path: "/v1/flows/\(flow ?? self.flow)/run", headers: ["authorization": "Bearer t"],
            body: Array("{}".utf8))
        return model.answer(request, now: now, freshID: id)
    }

    private mutating func get(_ path: String, at now: Int64, query: [String: String] = [:]) -> HTTPAnswer {
        model.answer(
            TargetRequest(method: "GET", path: path, query: query, headers: ["authorization": "Bearer t"]),
            now: now, freshID: "")
    }

    private func json(_ answer: HTTPAnswer) throws -> Value { try JSONReader.parse(answer.body) }

    private mutating func status(_ id: String, at now: Int64) throws -> String? {
        try json(get("/v1/jobs/\(id)", at: now)).fields?["status"]?.text
    }

    private mutating func ids(_ query: [String: String]) throws -> [String] {
        try json(get("/v1/jobs", at: 10_000, query: query)).list?.compactMap { $0.fields?["_id"]?.text } ?? []
    }
}
