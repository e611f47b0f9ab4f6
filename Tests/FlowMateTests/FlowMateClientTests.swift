import Curl
import Events
import Testing

@testable import FlowMate

@Suite struct FlowMateClientTests {
    struct Fixed: HTTPClient {
        var answer: @Sendable (HTTPRequest) -> Result<HTTPResponse, TransportError>

        func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse { try answer(request).get() }
    }

    private func client(_ status: Int, _ body: String, url: String) -> FlowMateClient {
        var settings = FlowMateSettings(baseURL: "https://fm.example")
        settings.credential = Secret("Bearer t")
        return FlowMateClient(
            settings: settings,
            http: Fixed { request in
                #expect(request.url == url)
                #expect(request.headers.contains(HTTPRequest.Header("Authorization", "Bearer t")))
                return .success(HTTPResponse(status: status, body: Array(body.utf8)))
            })
    }

    private let flowURL = "https://fm.example/flows/6762e154616e91cb8d8b1aaf"

    @Test func `flows are counted with one small page, which is page 1`() async throws {
        let body = #"{"data":[{"id":"x","status":"active"}],"meta":{"total":7,"page":1,"perPage":1,"totalPages":7}}"#
        let url = "https://fm.example/flows?page%5Bsize%5D=1&page%5Bnumber%5D=1"
        #expect(try await client(200, body, url: url).countFlows() == 7)
    }

    @Test(arguments: ["id", "_id"]) func `a flow is read with either name of its ID`(_ key: String) async throws {
        let body = #"{"data":{"\#(key)":"6762e154616e91cb8d8b1aaf","name":"n","status":"active","graph":{}},"meta":{}}"#
        let flow = try await client(200, body, url: flowURL).flow("6762e154616e91cb8d8b1aaf")
        #expect(flow == FlowMateFlow(id: "6762e154616e91cb8d8b1aaf", name: "n", status: "active"))
    }

    @Test func `FlowMate's 404 means that there is no flow`() async throws {
        let client = client(404, #"{"errors":[{"message":"No flow found","code":404}]}"#, url: flowURL)
        #expect(try await client.flow("6762e154616e91cb8d8b1aaf") == nil)
    }

    @Test func `a gateway's 404 is an error, not a missing flow`() async {
        let error = await #expect(throws: FlowMateError.self) {
            _ = try await client(404, "<html>", url: flowURL).flow("6762e154616e91cb8d8b1aaf")
        }
        #expect(error?.description == "cannot read flow …1aaf: FlowMate answered 404")
    }

    @Test func `an answer that is not FlowMate's says so`() async {
        let error = await #expect(throws: FlowMateError.self) {
            _ = try await client(200, "<html>", url: flowURL).flow("6762e154616e91cb8d8b1aaf")
        }
        #expect(error?.description.contains("is the destination's baseUrl right?") == true)
    }
}
