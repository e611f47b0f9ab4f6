import Curl
import Events
import Testing

@testable import IntegratorIO

@Suite struct ListenerRequestTests {
    private func sent(_ auth: ListenerRequest.Auth, url: String = "https://h/v1/exports/e/data") throws -> HTTPRequest {
        let listener = ListenerRequest(url: Secret(url), auth: auth)
        let body = try listener.body(Array(#"{"data":{"a":1}}"#.utf8))
        return listener.request(
            body: body, headers: [HTTPRequest.Header("webhook-id", "sl_1")], timeout: .seconds(3),
            connection: ConnectionOptions())
    }

    @Test func `a secret URL is used as it is`() throws {
        let request = try sent(.none, url: "https://h/v1/exports/e/token/data")
        #expect(request.url == "https://h/v1/exports/e/token/data")
        #expect(request.method == "POST")
        #expect(String(decoding: request.body, as: UTF8.self) == #"{"data":{"a":1}}"#)
        #expect(
            request.headers == [
                HTTPRequest.Header("Content-Type", "application/json"), HTTPRequest.Header("webhook-id", "sl_1"),
            ])
    }

    @Test func `a token goes into its header`() throws {
        let request = try sent(.header(name: "X-Token", value: Secret("s")))
        #expect(request.headers.contains(HTTPRequest.Header("X-Token", "s")))
    }

    @Test func `a token goes into the query, encoded`() throws {
        #expect(try sent(.query(name: "t", value: Secret("a b&c/ü"))).url.hasSuffix("/data?t=a%20b%26c%2F%C3%BC"))
        let url = "https://h/v1/exports/e/data?x=1"
        #expect(try sent(.query(name: "t", value: Secret("s")), url: url).url.hasSuffix("?x=1&t=s"))
    }

    @Test(arguments: [
        (#"{"data":1}"#, "token", #"{"token":"s\"s","data":1}"#), ("{}", "token", #"{"token":"s\"s"}"#),
        (#" { "a" : [ "}" ] } "#, "token", #" {"token":"s\"s", "a" : [ "}" ] } "#),
        (#"{"data":1}"#, "auth.token", #"{"auth":{"token":"s\"s"},"data":1}"#),
        (
            #"{"x":{"auth":0},"auth":{"k":[1,{"a":2}]}}"#, "auth.token",
            #"{"x":{"auth":0},"auth":{"token":"s\"s","k":[1,{"a":2}]}}"#
        ),
        (#"{"a":{},"token":"old","b":1}"#, "token", #"{"a":{},"token":"s\"s","b":1}"#),
        (#"{"token":12}"#, "token", #"{"token":"s\"s"}"#), (#"{"token":{"a":1}}"#, "token", #"{"token":"s\"s"}"#),
    ])
    func `a token goes into the body, which is otherwise untouched`(
        _ body: String, _ path: String, _ expected: String
    ) {
        let result = JSONInsertion.insert("s\"s", at: path, into: Array(body.utf8))
        #expect(result.map { String(decoding: $0, as: UTF8.self) } == expected)
    }

    @Test(arguments: [
        ("[1]", "token"), ("", "token"), ("{", "token"), (#"{"a""#, "token"), (#"{"auth":1}"#, "auth.token"),
        ("{}", ""), ("{}", "a.b.c.d.e.f.g.h.i"), (#"{"a":1"#, "token"), (#"{"a\"#, "token"),
    ])
    func `a body without a place for the token is refused`(_ body: String, _ path: String) {
        #expect(JSONInsertion.insert("s", at: path, into: Array(body.utf8)) == nil)
    }

    @Test func `deep bodies are skipped without recursion`() {
        let deep = #"{"a":"# + String(repeating: "[", count: 200_000) + String(repeating: "]", count: 200_000) + "}"
        #expect(JSONInsertion.insert("s", at: "t", into: Array(deep.utf8)) != nil)
    }

    @Test func `a body above the limit is refused`() {
        let listener = ListenerRequest(url: Secret("https://h"), auth: .none)
        #expect(throws: ListenerRequest.Refusal.tooLarge(bytes: ListenerRequest.maximumBodyBytes + 1)) {
            try listener.body([UInt8](repeating: 0x20, count: ListenerRequest.maximumBodyBytes + 1))
        }
    }
}
