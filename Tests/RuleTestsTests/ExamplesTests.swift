import Curl
import Events
import FoundationEssentials
import Relay
import Testing

@testable import RuleTests

@Suite struct ExamplesTests {
    private var examples: String {
        var folder = URL(filePath: #filePath)
        repeat {
            folder.deleteLastPathComponent()
        } while !FileManager.default.fileExists(atPath: folder.path() + "Package.swift") && folder.path() != "/"
        return folder.path() + "schemas/examples"
    }

    @Test func `the examples pass their tests, which take every branch both ways`() async throws {
        var options = RuleTester.Options()
        options.coverage = 100
        let report = try await RuleTester(options: options).run(paths: [examples])
        #expect(report.text.hasSuffix("coverage 100 % (32 of 32 ways)\n"), "\(report.text)")
        #expect(report.verdict == .passed)
        #expect(report.suites == 7)
        #expect(report.tests >= 46)
    }

    @Test func `the signer gives the vector of Standard Webhooks`() throws {
        let secrets = SecretStore(environment: ["SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
        let signer = try RequestSigner(.standardWebhooks(secrets: [.env("SECRET")]), secrets: secrets)
        let header = signer.header(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: Array(#"{"test": 2432232314}"#.utf8))
        #expect(header == HTTPRequest.Header("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="))
    }
}
