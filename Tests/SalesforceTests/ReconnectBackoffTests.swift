import Testing

@testable import Salesforce

@Suite struct ReconnectBackoffTests {
    @Test func `waits grow to the ceiling, with jitter below`() {
        var generator = SeededGenerator(seed: 1)
        var backoff = ReconnectBackoff()
        var largest: Duration = .zero
        for attempt in 0..<200 {
            let wait = backoff.next(using: &generator)
            let bound = min(ReconnectBackoff.base * (1 << min(attempt, 10)), ReconnectBackoff.ceiling)
            #expect(wait >= .zero && wait <= bound)
            largest = max(largest, wait)
        }
        #expect(largest > .seconds(25))
    }

    @Test func `what the error asks for is the least`() {
        var generator = SeededGenerator(seed: 2)
        var backoff = ReconnectBackoff()
        #expect(backoff.next(minimum: .seconds(5), using: &generator) >= .seconds(5))
    }

    @Test func `only a response resets it`() {
        var generator = SeededGenerator(seed: 3)
        var backoff = ReconnectBackoff()
        for _ in 0..<9 { _ = backoff.next(using: &generator) }
        #expect(backoff.failures == 9)
        backoff.firstResponse()
        #expect(backoff.next(using: &generator) <= ReconnectBackoff.base)
    }
}
