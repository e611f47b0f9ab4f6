import Curl
import Events
import FoundationEssentials
import Rules
import Testing

@testable import Relay

@Suite struct ListenerSinkTests {
    private let delivery = Delivery.make(to: .listener(name: "orders"))

    private func sink(_ http: FakeHTTP, _ change: (inout Destination.Listener) -> Void = { _ in }) throws
        -> any Sink
    {
        var destination = Destination(name: "celigo", kind: .integrator, url: "https://api.integrator.io")
        var listener = Destination.Listener(url: .env("URL"), export: nil, auth: nil, sign: nil, records: nil)
        change(&listener)
        destination.listeners = ["orders": listener]
        let factory = SinkFactory(
            environment: .test(
                http,
                environment: ["URL": "https://h/v1/exports/e/tokentokentoken1/data", "T": "secret-1", "H": "Jefe"]),
            journal: MemoryJournal(), outcomes: RecordedOutcomes())
        return try #require(factory.make(destination).ready).sink
    }

    @Test func `a delivery goes to the secret URL with its identity`() async throws {
        let http = FakeHTTP()
        #expect(try await sink(http).attempt(delivery, number: 1).isDelivered)
        let request = try #require(http.requests.first)
        #expect(request.url == "https://h/v1/exports/e/tokentokentoken1/data")
        #expect(request.headers.contains(HTTPRequest.Header("webhook-id", delivery.id)))
        #expect(request.body == delivery.body)
    }

    @Test func `the signature covers the body with its token`() async throws {
        let http = FakeHTTP()
        let sink = try sink(http) {
            $0.auth = .body(path: "t", value: .env("T"))
            $0.sign = .hmac(algorithm: .sha256, encoding: .hex, header: "X-Sig", prefix: "", secrets: [.env("H")])
        }
        _ = await sink.attempt(delivery, number: 1)
        let request = try #require(http.requests.first)
        #expect(String(decoding: request.body, as: UTF8.self) == #"{"t":"secret-1","a":1}"#)
        let signer = try RequestSigner(
            .hmac(algorithm: .sha256, encoding: .hex, header: "X-Sig", prefix: "", secrets: [.env("H")]),
            secrets: SecretStore(environment: ["H": "Jefe"]))
        #expect(request.headers.contains(signer.header(id: "", timestamp: 0, body: request.body)))
    }

    @Test(arguments: [
        (204, 1, "delivered"), (400, 1, "park"), (401, 1, "hold target -"), (403, 1, "hold target -"),
        (404, 1, "hold target -"), (409, 1, "retry"), (409, 5, "retry"), (422, 1, "park"),
        (429, 1, "hold destination 30"), (503, 1, "retry"), (302, 1, "hold destination -"),
    ])
    func `each status has its outcome`(_ status: Int, _ number: Int, _ expected: String) async throws {
        let http = FakeHTTP(answers: [.success(HTTPResponse(status: status))])
        let outcome = try await sink(http).attempt(delivery, number: number)
        #expect(outcome.short == expected)
        #expect(outcome.note.possibleDuplicate == (status == 503))
    }

    @Test func `neither URL nor token shows in a note`() async throws {
        let page = "no /v1/exports/e/tokentokentoken1/data (tokentokentoken1) with secret-1"
        let http = FakeHTTP(answers: [.success(HTTPResponse(status: 404, body: Array(page.utf8)))])
        let note = try await sink(http) { $0.auth = .header(name: "X", value: .env("T")) }.attempt(delivery, number: 1)
            .note
        #expect(note.excerpt == "no /v1/exports/e/•••/data (•••) with •••")
        #expect(!note.reason.contains("tokentoken"))
    }

    @Test func `a listener without a name in the destination is held, not lost`() async throws {
        let http = FakeHTTP()
        #expect(try await sink(http).attempt(.make(to: .listener(name: "x")), number: 1).short == "hold target -")
        #expect(http.requests.isEmpty)
    }

    @Test func `a body without a place for the token is parked`() async throws {
        let sink = try sink(FakeHTTP()) { $0.auth = .body(path: "t", value: .env("T")) }
        #expect(await sink.attempt(.make(to: .listener(name: "orders"), body: "[]"), number: 1).short == "park")
    }

    // MARK: Batches

    private func body(_ count: Int, size: Int = 1) -> String {
        let records = (0..<count).map { #"{"n":\#($0),"x":"\#(String(repeating: "x", count: size))"}"# }
        return #"{"a":1,"events":[\#(records.joined(separator: ", "))],"b":[2]}"#
    }

    private struct Batch: Decodable {
        struct Record: Decodable { var n: Int }
        var a: Int
        var b: [Int]
        var events: [Record]
    }

    /// What the posts held, each with what surrounds the records.
    private func numbers(_ requests: [HTTPRequest]) throws -> [[Int]] {
        try requests.map { request in
            let batch = try JSONDecoder().decode(Batch.self, from: Data(request.body))
            #expect(batch.a == 1 && batch.b == [2])
            return batch.events.map(\.n)
        }
    }

    @Test func `a batch of more than 100 records goes in several posts, each with an ID of its own`() async throws {
        let http = FakeHTTP()
        let sink = try sink(http) { $0.records = "events" }
        #expect(await sink.attempt(.make(to: .listener(name: "orders"), body: body(250)), number: 1).isDelivered)
        let sent = try numbers(http.requests)
        #expect(sent.flatMap(\.self) == Array(0..<250))
        #expect(sent.map(\.count) == [100, 100, 50])
        let ids = http.requests.compactMap { $0.headers.first { $0.name == "webhook-id" }?.value }
        #expect(ids == ["\(delivery.id)-0", "\(delivery.id)-100", "\(delivery.id)-200"])
    }

    @Test func `a batch that fits is one post as it was rendered`() async throws {
        let http = FakeHTTP()
        let sink = try sink(http) { $0.records = "events" }
        let delivery = Delivery.make(to: .listener(name: "orders"), body: body(100))
        #expect(await sink.attempt(delivery, number: 1).isDelivered)
        #expect(http.requests.map(\.body) == [delivery.body])
    }

    @Test func `after a failure half-way only the rest is sent again`() async throws {
        let http = FakeHTTP(answers: [204, 503].map { .success(HTTPResponse(status: $0)) })
        let sink = try sink(http) { $0.records = "events" }
        let delivery = Delivery.make(to: .listener(name: "orders"), body: body(250))
        #expect(await sink.attempt(delivery, number: 1).short == "retry")
        #expect(await sink.attempt(delivery, number: 2).isDelivered)
        let firsts = try numbers(http.requests).map(\.first)
        #expect(firsts == [0, 100, 100, 200])
    }

    @Test func `a body that an operator put in its place begins at its own first record`() async throws {
        let http = FakeHTTP(answers: [204, 503].map { .success(HTTPResponse(status: $0)) })
        let sink = try sink(http) { $0.records = "events" }
        let failed = await sink.attempt(.make(to: .listener(name: "orders"), body: body(250)), number: 1)
        #expect(failed.note.reason.contains("100 of 250 records were taken before"))
        let edited = Delivery.make(to: .listener(name: "orders"), body: body(60))
        #expect(await sink.attempt(edited, number: 2).isDelivered)
        #expect(try numbers(http.requests).last == Array(0..<60))
    }

    @Test func `a batch that is refused half-way goes on from there if it is sent again`() async throws {
        let http = FakeHTTP(answers: [204, 422].map { .success(HTTPResponse(status: $0)) })
        let sink = try sink(http) { $0.records = "events" }
        let delivery = Delivery.make(to: .listener(name: "orders"), body: body(250))
        #expect(await sink.attempt(delivery, number: 1).short == "park")
        #expect(await sink.attempt(delivery, number: 2).isDelivered)
        #expect(try numbers(http.requests).map(\.first) == [0, 100, 100, 200])
    }

    @Test func `413 splits a batch until it fits, and parks a record that never does`() async throws {
        let http = FakeHTTP { request in .success(HTTPResponse(status: request.body.count > 1000 ? 413 : 204)) }
        let sink = try sink(http) { $0.records = "events" }
        #expect(
            await sink.attempt(.make(to: .listener(name: "orders"), body: body(60, size: 20)), number: 1).isDelivered)
        let taken = try numbers(http.requests.filter { $0.body.count <= 1000 })
        #expect(taken.flatMap(\.self) == Array(0..<60))
        let large = Delivery.make("sl_2", to: .listener(name: "orders"), body: body(2, size: 2000))
        #expect(await sink.attempt(large, number: 1).short == "park")
    }

    @Test func `413 at the last post of an attempt is split by the next one`() async throws {
        let http = FakeHTTP { [self] request in
            let records = (try? numbers([request]).first) ?? []
            return .success(HTTPResponse(status: records.count > 50 && records.last! >= 900 ? 413 : 204))
        }
        let sink = try sink(http) { $0.records = "events" }
        let delivery = Delivery.make(to: .listener(name: "orders"), body: body(1_000))
        let first = await sink.attempt(delivery, number: 1)
        #expect(first.short == "retry" && !first.note.receiverWasAsked)
        #expect(await sink.attempt(delivery, number: 2).isDelivered)
        let posts = try numbers(http.requests)
        #expect(posts.filter { $0.count <= 50 || $0.last! < 900 }.flatMap(\.self) == Array(0..<1_000), "each once")
    }
}
