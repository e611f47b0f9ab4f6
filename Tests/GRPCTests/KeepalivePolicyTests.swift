import Testing

@testable import GRPC

@Suite struct KeepalivePolicyTests {
    private func policy() -> KeepalivePolicy { KeepalivePolicy(interval: 60, timeout: 20, now: 1000) }

    @Test func `sends a PING after the interval of silence`() {
        var policy = policy()
        #expect(policy.check(at: 1000, hasStreams: true) == .wait(until: 1060))
        policy.received(at: 1030)
        #expect(policy.check(at: 1060, hasStreams: true) == .wait(until: 1090))
        #expect(policy.check(at: 1090, hasStreams: true) == .ping)
    }

    @Test func `gives up when the PING stays unanswered`() {
        var policy = policy()
        #expect(policy.check(at: 1060, hasStreams: true) == .ping)
        #expect(policy.check(at: 1079, hasStreams: true) == .wait(until: 1080))
        #expect(policy.check(at: 1080, hasStreams: true) == .fail)
    }

    @Test func `any byte is an answer`() {
        var policy = policy()
        #expect(policy.check(at: 1060, hasStreams: true) == .ping)
        policy.received(at: 1070)
        #expect(policy.check(at: 1080, hasStreams: true) == .wait(until: 1130))
    }

    @Test func `rests without streams, and starts counting with the next one`() {
        var policy = policy()
        #expect(policy.check(at: 5000, hasStreams: false) == .rest)
        policy.wakened(at: 6000)
        #expect(policy.check(at: 6000, hasStreams: true) == .wait(until: 6060))
    }
}

@Suite struct PercentEncodingTests {
    @Test(arguments: [
        ("plain", "plain"), ("a%20b", "a b"), ("%E2%9C%93", "✓"), ("100%", "100%"), ("%zz%4", "%zz%4"),
        ("%FF", "\u{FFFD}"),
    ])
    func `a message is decoded, and what is no escape stays`(encoded: String, decoded: String) {
        #expect(PercentEncoding.decode(encoded) == decoded)
    }

    @Test func `what is encoded comes back`() {
        let text = "später: 100 % ✓\n"
        #expect(PercentEncoding.encode(text).utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(PercentEncoding.decode(PercentEncoding.encode(text)) == text)
    }
}
