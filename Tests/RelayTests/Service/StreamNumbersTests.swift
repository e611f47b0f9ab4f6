import Testing

@testable import Relay

@Suite struct StreamNumbersTests {
    private let hour: Int64 = 3_600_000

    @Test func `headroom is counted from the last event, and from a keepalive, which says that nothing is missing`() {
        var numbers = StreamNumbers()
        #expect(numbers.headroomSeconds(now: 0) == nil)
        numbers.received(events: 3, commitTime: 10 * hour, at: 20 * hour)
        #expect(numbers.lagMilliseconds(now: 20 * hour) == 10 * hour)
        #expect(numbers.headroomSeconds(now: 20 * hour) == 223_200)
        numbers.received(events: 0, commitTime: nil, at: 30 * hour)
        #expect(numbers.lagMilliseconds(now: 30 * hour) == 0 && numbers.headroomSeconds(now: 30 * hour) == 259_200)
        #expect(numbers.headroomSeconds(now: 103 * hour) == -3600, "what is past is said as it is")
        #expect(numbers.events == 3)
    }

    @Test func `a batch that could not be decoded moves nothing`() {
        var numbers = StreamNumbers()
        numbers.received(events: 1, commitTime: 5 * hour, at: 6 * hour)
        numbers.received(events: 2, commitTime: nil, at: 50 * hour)
        #expect(numbers.position == 5 * hour && numbers.events == 3)
    }

    @Test(arguments: ["connecting", "reconnecting", "parked", "stopped", "off"])
    func `the lag of a stream that is down grows from when nothing was missing`(state: String) {
        var numbers = StreamNumbers()
        numbers.state = "streaming"
        numbers.received(events: 0, commitTime: nil, at: 10 * hour)
        #expect(numbers.lagMilliseconds(now: 11 * hour) == 0, "silence on a stream that is open says nothing")
        numbers.state = state
        #expect(numbers.lagMilliseconds(now: 12 * hour) == 2 * hour)
        numbers.state = "accepted"
        #expect(numbers.lagMilliseconds(now: 13 * hour) == nil, "until its first response")
        numbers.state = "stand-by"
        #expect(numbers.lagMilliseconds(now: 13 * hour) == nil, "another client relays")
    }
}
