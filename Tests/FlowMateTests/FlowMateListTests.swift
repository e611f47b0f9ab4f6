import Curl
import Events
import Synchronization
import TestSupport
import Testing

@testable import FlowMate

@Suite struct FlowMateListTests {
    private func client(_ answer: @escaping @Sendable (HTTPRequest) -> (Int, String)) -> (FlowMateClient, ScriptedHTTP)
    {
        let http = ScriptedHTTP { request throws(TransportError) in
            let (status, body) = answer(request)
            return HTTPResponse(status: status, body: Array(body.utf8))
        }
        return (
            FlowMateClient(settings: FlowMateSettings(baseURL: "https://h", credential: Secret("t")), http: http), http
        )
    }

    private static func flows(_ range: Range<Int>) -> String {
        range.map { #"{"id":"\#($0)","status":"active"}"# }.joined(separator: ",")
    }

    private static func page(_ request: HTTPRequest) -> Int {
        Int(request.url.split(separator: "page%5Bnumber%5D=")[1].prefix { $0.isNumber }) ?? -1
    }

    @Test func `pages are read until the last that is told, although one comes short`() async throws {
        let (client, http) = client { request in
            let page = Self.page(request)
            let list = Self.flows((page - 1) * 100..<(page - 1) * 100 + (page == 1 ? 99 : page == 2 ? 100 : 10))
            return (200, #"{"data":[\#(list)],"meta":{"totalPages":3,"perPage":100}}"#)
        }
        let scan = try await client.flows().content
        #expect(scan.flows.count == 209 && scan.isComplete)
        #expect(http.requests.map(Self.page) == [1, 2, 3])
    }

    @Test func `a list that shrinks while it is read is read again, so that nothing slips past`() async throws {
        let calls = Mutex(0)
        // Flow 0 is gone after the first page, so that flow 100 moves to it, and is on neither page.
        let (client, http) = client { request in
            let isFirst = calls.withLock { calls in
                calls += 1
                return calls == 1
            }
            let all = isFirst ? Array(0..<150) : Array(1..<150)
            let shown = all.dropFirst((Self.page(request) - 1) * 100).prefix(100)
            let list = shown.map { #"{"id":"\#($0)","status":"active"}"# }.joined(separator: ",")
            return (200, #"{"data":[\#(list)],"meta":{"total":\#(all.count),"totalPages":2,"perPage":100}}"#)
        }
        let scan = try await client.flows().content
        #expect(Set(scan.flows.map(\.id)) == Set((0..<150).map(String.init)) && scan.isComplete)
        #expect(http.requests.map(Self.page) == [1, 2, 1, 2])
    }

    @Test func `a list that never rests is read three times`() async throws {
        let calls = Mutex<Int64>(100)
        let (client, http) = client { _ in
            let total = calls.withLock { calls in
                calls += 1
                return calls
            }
            return (200, #"{"data":[\#(Self.flows(0..<10))],"meta":{"total":\#(total),"totalPages":1}}"#)
        }
        #expect(try await client.flows().content.flows.count == 10)
        #expect(http.requests.count == FlowMateClient.maximumPasses)
    }

    @Test func `without a count of pages a short page is the last, by the size that is told`() async throws {
        let (client, http) = client { request in
            let page = Self.page(request)
            let list = Self.flows((page - 1) * 20..<(page < 3 ? page * 20 : 45))
            return (200, #"{"data":[\#(list)],"meta":{"totalPages":null,"perPage":20}}"#)
        }
        #expect(try await client.flows().content.flows.count == 45)
        #expect(http.requests.count == 3)
    }

    @Test func `a list that never ends is left, and says that it is not complete`() async throws {
        let (client, http) = client { request in
            (200, #"{"data":[{"id":"\#(Self.page(request))","status":"active"}],"meta":{"totalPages":99999}}"#)
        }
        let scan = try await client.flows().content
        #expect(!scan.isComplete && scan.flows.count == FlowMateClient.maximumPages)
        #expect(http.requests.count == FlowMateClient.maximumPages)
    }

    @Test func `a flow that comes twice counts once`() async throws {
        let (client, _) = client { request in
            let page = Self.page(request)
            return (
                200, #"{"data":[{"id":"a","status":"active"},{"id":"p\#(page)","status":"x"}],"meta":{"totalPages":2}}"#
            )
        }
        #expect(try await client.flows().content.flows.map(\.id) == ["a", "p1", "p2"])
    }

    @Test func `a half-read flow is an error, not a missing flow`() async {
        let (client, _) = client { _ in (200, #"{"data":[{"id":"a"}],"meta":{}}"#) }
        await #expect(throws: FlowMateError.self) { _ = try await client.flows() }
    }

    @Test func `filters are encoded, and IDs that are none are not sent`() async throws {
        let (client, http) = client { _ in (200, #"{"data":[],"meta":{"totalPages":0}}"#) }
        var filter = FlowMateFlowFilter(status: .active, template: String(repeating: "a", count: 24))
        filter.search = "a&b ü"
        filter.order = .name
        filter.isDescending = true
        _ = try await client.flows(filter)
        #expect(http.requests[0].url.hasSuffix("&sort=-name&search=a%26b%20%C3%BC"))
        #expect(http.requests[0].url.contains("&filter%5Bstatus%5D=active&filter%5BfromTemplate%5D=aaaa"))
        filter.user = "ann"
        let error = await #expect(throws: FlowMateError.self) { _ = try await client.flows(filter) }
        #expect(error?.description.contains("'ann'") == true)
        #expect(http.requests.count == 1)
    }

    @Test func `a name with capitals is asked for as written, then in lower case`() async throws {
        let (client, http) = client { request in
            (200, request.url.hasSuffix("username=ann") ? #"[{"_id":"1","username":"ann"}]"# : "[]")
        }
        #expect(try await client.user(named: "Ann")?.id == "1")
        #expect(http.requests.map(\.url) == ["https://h/users?username=Ann", "https://h/users?username=ann"])
    }

    @Test func `a gateway that drops the query does not make the first user the right one`() async throws {
        let (client, _) = client { _ in (200, #"[{"_id":"1","username":"ann"},{"_id":"2","username":"bob"}]"#) }
        #expect(try await client.user(named: "bob")?.id == "2")
        #expect(try await client.user(named: "carl") == nil)
    }

    @Test func `what changes something is sent once, and tokens do not print themselves`() async throws {
        let (client, http) = client { _ in (200, #"{"token":"secret-token","id":"7"}"#) }
        let token = try await client.impersonate(
            creatingIfNew: "ann", credential: .apiKey(key: Secret("k"), headerName: "x-key"))
        #expect(!"\(token)".contains("secret-token") && token.token.exposed == "secret-token")
        #expect(http.requests[0].isSentOnce && http.requests[0].method == "POST")
        #expect(
            String(decoding: http.requests[0].body, as: UTF8.self)
                == #"{"username":"ann","credential":{"key":"k","headerName":"x-key"}}"#)
    }

    @Test(arguments: [
        (#"{"data":[{"id":"f","count":3,"name":"n"},{"flowId":"g","executions":"4"}]}"#, ["f": 3, "g": 4], 0),
        (#"[{"_id":"f","total":1},{"odd":1}]"#, ["f": 1], 1), (#"{"f":2,"g":"x"}"#, ["f": 2], 1),
    ])
    func `executions are counted in whichever form they come`(
        _ body: String, _ counts: [String: Int64], _ unreadable: Int
    ) throws {
        let read = try #require(FlowMateExecutions(try JSONReader.parse(body)))
        #expect(Dictionary(uniqueKeysWithValues: read.rows.map { ($0.id, $0.count) }) == counts)
        #expect(read.unreadable == unreadable)
    }
}
