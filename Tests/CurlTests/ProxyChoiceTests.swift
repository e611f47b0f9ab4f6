import Testing

@testable import Curl

/// As libcurl reads the environment: the address guard looks at direct connections only.
struct ProxyChoiceTests {
    private func isProxied(
        _ url: String, _ environment: [String: String], option: String? = nil
    ) throws -> Bool {
        let place = try #require(RequestPlace(url: url))
        return ProxyChoice { environment[$0] }.isProxied(place, ConnectionOptions(proxy: option))
    }

    @Test(arguments: [
        ("https://a.example/x", ["https_proxy": "http://p:1"], true),
        ("http://a.example/x", ["https_proxy": "http://p:1"], false),
        ("https://a.example/x", ["http_proxy": "http://p:1"], false),
        ("http://a.example/x", ["HTTP_PROXY": "http://p:1"], false),
        ("https://a.example/x", ["HTTPS_PROXY": "http://p:1"], true),
        ("http://a.example/x", ["all_proxy": "http://p:1"], true),
        ("https://a.example/x", ["https_proxy": ""], false),
        ("https://a.example/x", ["https_proxy": "http://p:1", "no_proxy": "b.example, a.example"], false),
        ("https://hooks.a.example:8443/x", ["https_proxy": "http://p:1", "no_proxy": ".a.example"], false),
        ("https://nota.example/x", ["https_proxy": "http://p:1", "no_proxy": "a.example"], true),
        ("https://A.example/x", ["https_proxy": "http://p:1", "NO_PROXY": "a.EXAMPLE"], false),
        ("https://a.example/x", ["https_proxy": "http://p:1", "no_proxy": "*"], false),
        ("https://a.example/x", ["https_proxy": "http://p:1", "no_proxy": "", "NO_PROXY": "a.example"], false),
    ])
    func `scheme and no_proxy decide`(url: String, environment: [String: String], expected: Bool) throws {
        #expect(try isProxied(url, environment) == expected)
    }

    @Test func `what the configuration says comes first`() throws {
        #expect(try isProxied("https://a.example", [:], option: "http://p:1"))
        #expect(try !isProxied("https://a.example", ["https_proxy": "http://p:1"], option: ""))
        #expect(try isProxied("https://a.example", ["no_proxy": "a.example"], option: "http://p:1"))
    }
}
