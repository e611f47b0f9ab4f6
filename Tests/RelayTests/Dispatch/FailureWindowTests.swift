import Testing

@testable import Relay

@Suite struct FailureWindowTests {
    private func window(_ pattern: String, every milliseconds: Int64 = 10, concurrency: Int = 4) -> FailureWindow {
        var window = FailureWindow(limits: DispatchLimits())
        for (index, letter) in pattern.enumerated() {
            window.note(isFailure: letter == "x", now: Int64(index) * milliseconds, concurrency: concurrency)
        }
        return window
    }

    @Test func `a few failures are no reason, many are`() {
        #expect(!window(String(repeating: "x", count: 15)).isTooMuch)
        #expect(window(String(repeating: "x", count: 16)).isTooMuch)
    }

    @Test func `it is the share that counts, not a row without a break`() {
        #expect(window(String(repeating: "xxxx.", count: 8)).isTooMuch)
        #expect(!window(String(repeating: "xx.", count: 20)).isTooMuch)
    }

    @Test func `many successes before do not hide that it is down now`() {
        #expect(window(String(repeating: ".", count: 10_000) + String(repeating: "x", count: 23)).isTooMuch)
    }

    @Test func `what broke off together is one event`() {
        let pattern = String(repeating: ".", count: 200) + String(repeating: "x", count: 64)
        #expect(window(pattern, concurrency: 8).isTooMuch)
        #expect(!window(pattern, concurrency: 64).isTooMuch)
    }

    @Test func `failures that are long ago do not count`() {
        #expect(!window(String(repeating: "x", count: 100), every: 5_000).isTooMuch)
        #expect(window(String(repeating: "x", count: 100), every: 3_000).isTooMuch)
    }
}
