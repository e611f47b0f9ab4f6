import Testing

@testable import Salesforce

@Suite struct FetchWindowTests {
    @Test func `credit is topped up when half of it is used`() {
        var window = FetchWindow(limit: 100)
        #expect(window.open() == 100)
        #expect(window.received(events: 49, pending: 51) == nil)
        #expect(window.received(events: 1, pending: 50) == 50)
        #expect(window.outstanding == 100)
    }

    @Test func `never more than the limit is outstanding, whatever the batches`() {
        var generator = SeededGenerator(seed: 7)
        var window = FetchWindow(limit: 100)
        var server = window.open()
        for _ in 0..<10_000 {
            let count = Int32.random(in: 1...max(server, 1), using: &generator)
            server -= count
            if let more = window.received(events: Int(count), pending: server) { server += more }
            #expect(server > 0 && server <= 100)
        }
    }

    @Test func `a keepalive corrects the count`() {
        var window = FetchWindow(limit: 100)
        _ = window.open()
        #expect(window.received(events: 0, pending: 100) == nil)
        #expect(window.received(events: 0, pending: 10) == 90)
    }

    @Test func `requests on their way are not counted twice`() {
        var window = FetchWindow(limit: 100)
        _ = window.open()
        #expect(window.received(events: 60, pending: 40) == 60)
        // The server has not seen the 60 yet, and reports zero.
        #expect(window.received(events: 40, pending: 0) == nil)
        #expect(window.outstanding == 60)
    }

    @Test func `without room credit is held back, and asked for at once when there is room`() {
        var window = FetchWindow(limit: 100)
        _ = window.open()
        #expect(window.received(events: 60, pending: 40, hasRoom: false) == nil)
        #expect(window.outstanding == 40)
        #expect(window.received(events: 40, pending: 0, hasRoom: false) == nil)
        #expect(window.roomCame() == 100)
        #expect(window.roomCame() == nil)
    }

    @Test func `a stall asks for everything again`() {
        var window = FetchWindow(limit: 100)
        _ = window.open()
        #expect(window.stalled() == 100)
    }

    @Test func `after a complaint less is asked for, and more again once there was none for long`() {
        var window = FetchWindow(limit: 100)
        _ = window.open()
        window.narrow()
        window.narrow()
        #expect(window.limit == 25)
        for _ in 0..<FetchWindow.calm { _ = window.received(events: 1, pending: 0) }
        #expect(window.limit == 50)
        for _ in 0..<5 * FetchWindow.calm { _ = window.received(events: 1, pending: 0) }
        #expect(window.limit == 100)
    }

    @Test func `the limit stays within what Salesforce allows`() {
        #expect(FetchWindow(limit: 0).limit == 1)
        #expect(FetchWindow(limit: 500).limit == 100)
    }
}

struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
