import Curl
import Events
import TestSupport
import Testing

@testable import IntegratorIO

@Suite struct IntegratorPagingTests {
    static func client(
        _ answer: @escaping @Sendable (HTTPRequest) throws(TransportError) -> HTTPResponse
    ) -> (IntegratorClient, ScriptedHTTP) {
        let http = ScriptedHTTP(answer)
        return (IntegratorClient(settings: IntegratorSettings(baseURL: "https://h"), http: http), http)
    }

    private static func page(_ body: String, next: String? = nil, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: next.map { [HTTPRequest.Header("link", "<\($0)>; rel=\"next\"")] } ?? [],
            body: Array(body.utf8))
    }

    @Test(arguments: [
        (["<https://h/v1/a>; rel=\"next\""], "https://h/v1/a"),
        (["<https://h/1>; rel=\"first\", <https://h/2?a=1,2>; rel=\"next\""], "https://h/2?a=1,2"),
        (["<https://h/1>; rel=first", "<https://h/2>; title=\"x\"; rel=\"prev next\""], "https://h/2"),
        (["<https://h/1>; rel=\"nextish\""], nil), ([], nil), (["garbage"], nil), (["<a"], nil),
    ])
    func `the next page is the link of that relation`(_ headers: [String], _ next: String?) {
        #expect(LinkHeader.next(headers) == next)
    }

    @Test(arguments: [
        ("https://h/v1/flows?skip=1", "https://h/v1/flows?skip=1"), ("/v1/flows?skip=1", "https://h/v1/flows?skip=1"),
        ("https://H/v1/x", "https://H/v1/x"), ("https://evil/v1/flows", nil), ("//evil/v1/flows", nil),
        ("https://h.evil/v1/flows", nil), ("https://h@evil/v1/x", nil), ("http://h/v1/flows", nil),
        ("https://h/v10/x", nil), ("/other", nil), ("flows?skip=1", nil),
    ])
    func `only pages below the configured root are read`(_ target: String, _ url: String?) {
        #expect(NextPage.url(target, root: "https://h/v1") == url)
    }

    @Test func `lists are read page by page until there is no next`() async throws {
        let (client, http) = Self.client { request throws(TransportError) in
            request.url.hasSuffix("2")
                ? Self.page(#"[{"_id":"b"}]"#) : Self.page(#"[{"_id":"a"}]"#, next: "https://h/v1/flows?page=2")
        }
        #expect(try await client.flows().content.map(\.id) == ["a", "b"])
        #expect(http.requests.count == 2)
    }

    @Test func `a page that names itself as the next ends the list`() async throws {
        let (client, http) = Self.client { _ throws(TransportError) in
            Self.page(#"[{"_id":"a"}]"#, next: "https://h/v1/flows")
        }
        #expect(try await client.flows().content.count == 1)
        #expect(http.requests.count == 1)
    }

    @Test func `an account without flows has an empty list`() async throws {
        let (client, _) = Self.client { _ throws(TransportError) in Self.page("", status: 204) }
        #expect(try await client.flows().content.isEmpty)
    }

    @Test func `errors are paged by the body`() async throws {
        let (client, http) = Self.client { request throws(TransportError) in
            request.url.hasSuffix("skip=1")
                ? Self.page(#"{"errors":[{"errorId":"2"}]}"#)
                : Self.page(#"{"errors":[{"errorId":1}],"nextPageURL":"/v1/flows/f/s/errors?skip=1"}"#)
        }
        #expect(try await client.errors(flow: "f", step: "s").content.map(\.id) == ["1", "2"])
        #expect(http.requests.map(\.url) == ["https://h/v1/flows/f/s/errors", "https://h/v1/flows/f/s/errors?skip=1"])
    }

    @Test func `jobs without a filter are not asked for`() async {
        let (client, http) = Self.client { _ throws(TransportError) in Self.page("[]") }
        let failure = await #expect(throws: IntegratorFailure.self) { _ = try await client.jobs(IntegratorJobFilter()) }
        #expect(failure?.kind == .configuration && http.requests.isEmpty)
    }

    @Test func `an answer that is cut off is not taken for the whole`() async {
        let (client, _) = Self.client { _ throws(TransportError) in
            HTTPResponse(status: 200, body: Array("[]".utf8), bodyIsTruncated: true)
        }
        await #expect(throws: IntegratorFailure.self) { _ = try await client.flows() }
    }
}
