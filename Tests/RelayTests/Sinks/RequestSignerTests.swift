import Curl
import Events
import Rules
import Testing

@testable import Relay

@Suite struct RequestSignerTests {
    private func signer(_ signing: Destination.Signing, _ environment: [String: String]) throws -> RequestSigner {
        try RequestSigner(signing, secrets: SecretStore(environment: environment))
    }

    @Test func `the published vector of Standard Webhooks is met`() throws {
        let signer = try signer(
            .standardWebhooks(secrets: [.env("A")]), ["A": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
        let header = signer.header(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330,
            body: Array(#"{"test": 2432232314}"#.utf8))
        #expect(
            header
                == HTTPRequest.Header("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="))
    }

    @Test func `all secrets of Standard Webhooks sign, the current one first`() throws {
        let signer = try signer(
            .standardWebhooks(secrets: [.env("B"), .env("A")]),
            ["A": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "B": "AAAA"])
        let header = signer.header(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330,
            body: Array(#"{"test": 2432232314}"#.utf8))
        let signatures = header.value.split(separator: " ")
        #expect(signatures.count == 2)
        #expect(signatures.last == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        #expect(signatures.first != signatures.last)
    }

    // The texts are RFC 2202's and RFC 4231's test case 2: key "Jefe".
    @Test(arguments: [
        (Destination.Signing.Algorithm.sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (.sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            .sha384,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"
        ),
        (
            .sha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
                + "caeab1a34d4a6b4b636e070a38bce737"
        ),
    ])
    func `each algorithm gives its published code`(_ algorithm: Destination.Signing.Algorithm, _ code: String) throws {
        let signer = try signer(
            .hmac(
                algorithm: algorithm, encoding: .hex, header: "X-Sig", prefix: "p=", secrets: [.env("A"), .env("B")]),
            ["A": "Jefe"])
        let header = signer.header(id: "x", timestamp: 1, body: Array("what do ya want for nothing?".utf8))
        #expect(header == HTTPRequest.Header("X-Sig", "p=" + code))
    }

    @Test func `codes come in base64 too`() throws {
        let signer = try signer(
            .hmac(algorithm: .sha1, encoding: .base64, header: "X-Sig", prefix: "", secrets: [.env("A")]), ["A": "Jefe"]
        )
        let header = signer.header(id: "x", timestamp: 1, body: Array("what do ya want for nothing?".utf8))
        #expect(header.value == "7/zfauXrL6LSdBbV8YTfnCWafHk=")
    }

    @Test func `a secret that is no key is refused by its name, not its text`() {
        let error = #expect(throws: SecretError.self) {
            try signer(.standardWebhooks(secrets: [.env("A")]), ["A": "whsec_§§§"])
        }
        #expect(error?.description.contains("environment variable A") == true)
        #expect(error?.description.contains("§") == false)
    }
}
