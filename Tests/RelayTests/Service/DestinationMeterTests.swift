import Testing

@testable import Relay

@Suite struct DestinationMeterTests {
    @Test func `attempts are counted by outcome and by how long they took`() {
        var meter = DestinationMeter()
        meter.attempted(.delivered, milliseconds: 5, second: 1)
        meter.attempted(.delivered, milliseconds: 6, second: 1)
        meter.attempted(.retry, milliseconds: 60_000, second: 1)
        #expect(meter.count(.delivered) == 2 && meter.count(.retry) == 1 && meter.count(.held) == 0)
        #expect(meter.buckets.first == 1 && meter.buckets[1] == 1 && meter.buckets.last == 1)
        #expect(meter.totalMilliseconds == 60_011)
    }

    @Test func `what a run covered counts as delivered and has no duration`() {
        var meter = DestinationMeter()
        meter.attempted(.delivered, milliseconds: nil, second: 1)
        #expect(meter.count(.delivered) == 1 && meter.buckets.allSatisfy { $0 == 0 })
    }

    @Test func `the rate is a mean over the last whole seconds, and falls to zero by itself`() {
        var meter = DestinationMeter()
        for second in 100...109 as ClosedRange<Int64> {
            for _ in 0..<20 { meter.attempted(.delivered, milliseconds: 1, second: second) }
        }
        #expect(meter.rate(second: 109) == 20)
        #expect(meter.rate(second: 113) < 20 && meter.rate(second: 113) > 0)
        #expect(meter.rate(second: 200) == 0)
        meter.attempted(.retry, milliseconds: 1, second: 200)
        #expect(meter.rate(second: 201) == 0, "an attempt that failed is no delivery")
    }
}
