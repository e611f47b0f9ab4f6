import Curl
import Events
import FlowMate
import Rules
import Synchronization
import Testing

@testable import Relay

@Suite struct FlowMateSinkTests {
    static let flow = "6762e154616e91cb8d8b1aaf"
    private let delivery = Delivery.make(to: .flow(id: flow))

    private func sink(
        _ http: any HTTPClient, environment: [String: String] = ["T": "token-1"], auth: Bool = true,
        contracts: (any FlowContracts)? = nil, renderer: (any DeliveryRenderer)? = nil
    ) throws -> FlowMateSink {
        var destination = Destination(name: "fm", kind: .flowmate, url: "https://fm.example")
        if auth { destination.auth = .bearer(.env("T")) }
        let factory = SinkFactory(
            environment: .test(http, environment: environment), journal: MemoryJournal(), outcomes: RecordedOutcomes(),
            contracts: contracts, renderer: renderer)
        return try #require(factory.make(destination).ready?.sink as? FlowMateSink)
    }

    private static func answer(_ status: Int, _ body: String = "") -> FakeHTTP.Answer {
        .success(HTTPResponse(status: status, body: Array(body.utf8)))
    }

    private static let inactive = answer(404, #"{"error":"Flow x either does not exist or is inactive."}"#)

    private static func flow(_ status: String, extra: String = "") -> FakeHTTP.Answer {
        answer(200, #"{"data":{"id":"\#(flow)","name":"n","status":"\#(status)"\#(extra)},"meta":{}}"#)
    }

    private var echoing: FakeHTTP {
        FakeHTTP { request in
            let id = request.headers.first { $0.name == "x-request-id" }?.value ?? ""
            return Self.answer(200, #"{"data":{"requestId":"\#(id)","message":"thank you"}}"#)
        }
    }

    @Test func `a delivery is posted to its flow's webhook, without the admin token`() async throws {
        let http = echoing
        let sink = try sink(http)
        #expect(await sink.attempt(delivery, number: 1).isDelivered)
        let request = try #require(http.requests.first)
        #expect(request.url == "https://fm.example/webhooks/\(Self.flow)")
        #expect(request.body == delivery.body)
        #expect(!request.headers.contains { $0.value.contains("token-1") })
        #expect(request.headers.contains(HTTPRequest.Header("webhook-id", delivery.id)))
        #expect(await sink.echo == .idempotent)
    }

    @Test func `every attempt carries the same request ID`() async throws {
        let http = FakeHTTP { _ in Self.answer(503) }
        let sink = try sink(http)
        for number in 1...3 { _ = await sink.attempt(delivery, number: number) }
        let ids = http.requests.map { $0.headers.first { $0.name == "x-request-id" }?.value }
        #expect(Set(ids).count == 1)
        #expect(ids[0] == FlowMateRequestID.make(flow: Self.flow, delivery: delivery.id))
    }

    @Test func `what is sent again from the dead letters has another request ID, since FlowMate drops what it has seen`() async throws {
        let http = FakeHTTP { _ in Self.answer(503) }
        let sink = try sink(http)
        var delivery = delivery
        for _ in 1...3 {
            _ = await sink.attempt(delivery, number: 1)
            delivery.target = delivery.target.redriven()
        }
        let ids = http.requests.compactMap { $0.headers.first { $0.name == "x-request-id" }?.value }
        #expect(Set(ids).count == 3)
        #expect(ids[2] == FlowMateRequestID.make(flow: Self.flow, delivery: delivery.id, redrive: 2))
    }

    @Test func `a flow's first step sees which change it is, whatever its contract names`() async throws {
        let http = echoing
        var delivery = delivery
        delivery.origin.recordID = "bad\r\nheader"
        delivery.origin.commit = CommitPlace(number: 12_171_455_203_204, sequence: 2)
        _ = try await sink(http).attempt(delivery, number: 1)
        let headers = try #require(http.requests.first).headers
        #expect(headers.contains(HTTPRequest.Header("sluice-change", delivery.origin.change)))
        #expect(headers.contains(HTTPRequest.Header("sluice-commit-timestamp", String(delivery.origin.time))))
        #expect(headers.contains(HTTPRequest.Header("sluice-commit-number", "12171455203204")))
        #expect(headers.contains(HTTPRequest.Header("sluice-sequence-number", "2")))
        #expect(!headers.contains { $0.name == "sluice-record-id" })
    }

    @Test func `neither a hold nor a note shows a flow's whole ID`() async throws {
        #expect(delivery.holdKey.description == "flow …1aaf")
        let refused = Self.answer(401)
        let outcome = try await sink(FakeHTTP(answers: [Self.inactive, refused])).attempt(delivery, number: 1)
        #expect(outcome.note.reason.contains("1aaf") && !outcome.note.reason.contains(Self.flow))
    }

    @Test func `an unknown outcome is a possible duplicate unless the echo proved otherwise`() async throws {
        let lost = FakeHTTP.Answer.failure(
            TransportError(kind: .timeout, target: "https://fm.example:443", reason: "x", mayHaveBeenSent: true))
        let rewritten = Self.answer(200, #"{"data":{"requestId":"another","message":"thank you"}}"#)
        let sink = try sink(FakeHTTP(answers: [lost, rewritten, lost]))
        #expect(await sink.attempt(delivery, number: 1).note.possibleDuplicate)
        #expect(await sink.attempt(delivery, number: 2).isDelivered)
        #expect(await sink.echo == .notIdempotent)
        #expect(await sink.attempt(delivery, number: 3).note.possibleDuplicate)
    }

    @Test func `a proven echo makes an unknown outcome harmless`() async throws {
        let id = FlowMateRequestID.make(flow: Self.flow, delivery: delivery.id)
        let lost = FakeHTTP.Answer.failure(
            TransportError(kind: .timeout, target: "https://fm.example:443", reason: "x", mayHaveBeenSent: true))
        let receipt = Self.answer(200, #"{"data":{"requestId":"\#(id)"}}"#)
        let sink = try sink(FakeHTTP(answers: [receipt, lost]))
        _ = await sink.attempt(delivery, number: 1)
        #expect(await !sink.attempt(delivery, number: 1).note.possibleDuplicate)
    }

    @Test func `a flow that asks for the credential gets it, and keeps getting it`() async throws {
        let http = FakeHTTP { request in
            request.headers.contains(HTTPRequest.Header("Authorization", "Bearer token-1"))
                ? Self.answer(200, #"{"data":{"requestId":"x"}}"#) : Self.answer(403, #"{"error":"Unauthorized"}"#)
        }
        let sink = try sink(http)
        #expect(await sink.attempt(delivery, number: 1).isDelivered)
        #expect(http.requests.count == 2)
        #expect(await sink.attempt(delivery, number: 1).isDelivered)
        #expect(http.requests.count == 3)
    }

    /// All of them ask without, and all are refused, before the first has found out.
    @Test func `calls that are refused beside each other all get the credential`() async throws {
        let http = FakeHTTP { request in
            request.headers.contains(HTTPRequest.Header("Authorization", "Bearer token-1"))
                ? Self.answer(200, #"{"data":{"requestId":"x"}}"#) : Self.answer(403, #"{"error":"Unauthorized"}"#)
        }
        let together = GatheringHTTP(http, count: 6)
        let sink = try sink(together)
        let outcomes = await withTaskGroup(of: String.self) { group in
            for _ in 0..<6 { group.addTask { await sink.attempt(delivery, number: 1).short } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes == Array(repeating: "delivered", count: 6))
    }

    @Test func `a flow that refuses the credential too is held, after one more call`() async throws {
        let http = FakeHTTP { _ in Self.answer(403, #"{"error":"Unauthorized"}"#) }
        let sink = try sink(http)
        guard case .hold(_, .target, .seconds(600)) = await sink.attempt(delivery, number: 1) else {
            Issue.record("403 holds the flow")
            return
        }
        #expect(http.requests.count == 2)
        _ = await sink.attempt(delivery, number: 2)
        #expect(http.requests.count == 3)
    }

    @Test func `a refused credential holds the destination`() async throws {
        let sink = try sink(FakeHTTP { _ in Self.answer(401, #"{"message":"x"}"#) })
        guard case .hold(_, .destination, nil) = await sink.attempt(delivery, number: 1) else {
            Issue.record("401 holds the destination")
            return
        }
    }

    @Test(arguments: [
        ("active", "", "retry"), ("starting", "", "hold target 15"), ("inactive", "", "hold target -"),
        ("stopping", "", "hold target -"), ("active", #","cron":"* * * * *""#, "hold target -"),
    ])
    func `after 404 the flow's state decides`(_ status: String, _ extra: String, _ expected: String) async throws {
        let http = FakeHTTP(answers: [Self.inactive, Self.flow(status, extra: extra)])
        let outcome = try await sink(http).attempt(delivery, number: 1)
        #expect(outcome.short == expected)
        #expect(outcome.note.status == 404)
        #expect(http.requests[1].url == "https://fm.example/flows/\(Self.flow)")
        #expect(http.requests[1].headers.contains(HTTPRequest.Header("Authorization", "Bearer token-1")))
    }

    @Test func `a flow that does not exist parks the delivery`() async throws {
        let gone = Self.answer(404, #"{"errors":[{"message":"No flow found","code":404}]}"#)
        #expect(
            try await sink(FakeHTTP(answers: [Self.inactive, gone])).attempt(delivery, number: 1).short == "park")
    }

    @Test func `a flow whose state cannot be read is held`() async throws {
        let http = FakeHTTP(answers: [Self.inactive, Self.answer(401)])
        #expect(try await sink(http, auth: false).attempt(delivery, number: 1).short == "hold target -")
    }

    /// Takes what the mended rules make.
    private struct MendedRules: FlowContracts, DeliveryRenderer {
        static let body = Array(#"{"data":{"id":"1"}}"#.utf8)
        let version = "2"

        func render(_ delivery: Delivery) async -> Rendering {
            var fresh = delivery
            fresh.body = Self.body
            return .ready(fresh)
        }

        nonisolated(nonsending) func judge(_ delivery: Delivery, flow: String) async -> ContractJudgement {
            delivery.body == Self.body ? .send(delivery.body) : .wait(reason: "it does not fit")
        }

        func accepted(_ requestID: String, flow: String, destination: String) {}
        func saw(_ flow: FlowMateFlow?, id: String, destination: String) async {}
    }

    @Test func `what mended rules make fit is sent by them with each attempt`() async throws {
        let http = FakeHTTP(answers: [Self.answer(503), Self.answer(503), Self.answer(200)])
        let sink = try sink(http, contracts: MendedRules(), renderer: MendedRules())
        #expect(await !sink.attempt(delivery, number: 1).isDelivered)
        #expect(await !sink.attempt(delivery, number: 2).isDelivered)
        #expect(await sink.attempt(delivery, number: 3).isDelivered)
        #expect(http.requests.map(\.body) == Array(repeating: MendedRules.body, count: 3))
    }

    @Test func `a flow ID that is none parks the delivery without a call`() async throws {
        let http = FakeHTTP()
        #expect(try await sink(http).attempt(.make(to: .flow(id: "x")), number: 1).short == "park")
        #expect(http.requests.isEmpty)
    }
}

extension AttemptOutcome {
    var isDelivered: Bool {
        if case .delivered = self { return true }
        return false
    }

    /// `hold target 15`
    var short: String {
        switch self {
        case .delivered: "delivered"
        case .retry: "retry"
        case .hold(_, let scope, let length): "hold \(scope) \(length.map { "\($0.components.seconds)" } ?? "-")"
        case .park: "park"
        case .nothing: "nothing"
        }
    }
}

/// Holds the first requests back until all of them are there.
private final class GatheringHTTP: HTTPClient {
    private struct State {
        var left: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let http: any HTTPClient
    private let state: Mutex<State>

    init(_ http: any HTTPClient, count: Int) {
        self.http = http
        state = Mutex(State(left: count))
    }

    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                state.left -= 1
                state.waiting.append(continuation)
                guard state.left <= 0 else { return [] }
                defer { state.waiting = [] }
                return state.waiting
            }
            for waiter in ready { waiter.resume() }
        }
        return try await http.send(request)
    }
}
