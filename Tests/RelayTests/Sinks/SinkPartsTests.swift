import Curl
import Events
import Testing

@testable import Relay

@Suite struct SinkPartsTests {
    @Test func `secrets come from the environment`() throws {
        let store = SecretStore(environment: ["A": "s3cret\n", "E": ""])
        #expect(try store.resolve(.env("A")).exposed == "s3cret")
        #expect(throws: SecretError(reference: .env("B"), reason: "the variable is not set")) {
            try store.resolve(.env("B"))
        }
        #expect(throws: SecretError(reference: .env("E"), reason: "it is set, but empty")) { try store.resolve(.env("E")) }
    }

    @Test func `a file that is not there is named`() {
        let store = SecretStore(environment: [:], baseDirectory: "/nonexistent")
        let error = #expect(throws: SecretError.self) { try store.resolve(.file("token")) }
        #expect(error?.description == "cannot read the secret from file token: no such file or directory")
    }

    @Test func `a device without end is refused`() {
        let error = #expect(throws: SecretError.self) { try SecretStore(environment: [:]).resolve(.file("/dev/zero")) }
        #expect(error?.reason == "it is larger than 65536 bytes")
    }

    @Test func `an excerpt has no secrets, no control characters, and an end`() {
        let body = "echo: token-123\u{1B}[31m\r\n\u{202E}" + String(repeating: "x", count: 5_000)
        let excerpt = ResponseExcerpt.make(
            HTTPResponse(status: 400, body: Array(body.utf8)), hiding: [Secret("token-123")])
        #expect(excerpt.hasPrefix("echo: ••• [31m   xxx"))
        #expect(excerpt.count == AttemptNote.maximumExcerptCharacters)
    }

    @Test func `a secret across the cut does not show its first half`() {
        let secret = "abcdefghijklmnopqrstuvwxyz"
        for offset in 480...505 {
            let body = String(repeating: "-", count: offset) + secret
            let excerpt = ResponseExcerpt.make(
                HTTPResponse(status: 400, body: Array(body.utf8)), hiding: [Secret(secret)])
            #expect(!excerpt.contains("a"))
        }
    }

    @Test func `a bucket lets a burst through and then keeps the rate`() {
        var bucket = TokenBucket(rate: 10, burst: 2, now: 0)
        #expect(bucket.take(now: 0) == 0)
        #expect(bucket.take(now: 0) == 0)
        #expect(bucket.take(now: 0) == 100)
        #expect(bucket.take(now: 0) == 200)
        #expect(bucket.take(now: 200) == 100)
        #expect(bucket.take(now: 10_000) == 0)
    }

    @Test func `a slow rate is kept too`() {
        var bucket = TokenBucket(rate: 1.0 / 60, now: 0)
        #expect(bucket.take(now: 0) == 0)
        #expect(bucket.take(now: 0) == 60_000)
    }
}
