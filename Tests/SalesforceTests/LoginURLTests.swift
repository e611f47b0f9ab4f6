import Testing

@testable import Salesforce

@Suite struct LoginURLTests {
    @Test(arguments: [
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://Acme.my.salesforce.com/", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com/services/oauth2/token?x=1", "https://acme.my.salesforce.com"),
        (" https://acme--uat.sandbox.my.salesforce.com ", "https://acme--uat.sandbox.my.salesforce.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ])
    func `what operators write becomes scheme and host`(text: String, expected: String) throws {
        #expect(try LoginURL(text).description == expected)
    }

    @Test func `a Lightning address is corrected and said so`() throws {
        let url = try LoginURL("https://acme.lightning.force.com/lightning/setup")
        #expect(url.description == "https://acme.my.salesforce.com")
        #expect(url.remark == "acme.lightning.force.com shows pages only and answers no API; using acme.my.salesforce.com")
    }

    @Test(arguments: ["", "https://", "ftp://acme.my.salesforce.com", "https://user:pw@acme.my.salesforce.com"])
    func `an unusable address says how to write it`(text: String) {
        #expect(throws: SetupError.self) { try LoginURL(text) }
    }

    @Test func `plaintext beyond loopback is refused`() {
        #expect(throws: SetupError.self) { try LoginURL("http://acme.my.salesforce.com") }
        #expect(throws: SetupError.self) { try LoginURL("http://127.evil.example") }
    }

    @Test func `the shared login hosts are known`() throws {
        #expect(try LoginURL("login.salesforce.com").isSharedLoginHost)
        #expect(try !LoginURL("acme.my.salesforce.com").isSharedLoginHost)
    }
}
