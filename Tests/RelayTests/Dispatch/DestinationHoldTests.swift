import Events
import Testing

@testable import Relay

@Suite struct DestinationHoldTests {
    /// A hold and what it needs, so that an expectation may change it.
    private final class Held {
        var hold = DestinationHold()
        var random = Jitter(seed: 3)

        var isFree: Bool { hold.isFree }
        var until: Int64? { hold.until }
        func permits(_ uptime: Int64) -> Bool { hold.permits(at: uptime) }
        func started() -> Bool { hold.started() }
        func delivered(isProbe: Bool) -> Bool { hold.delivered(isProbe: isProbe) }

        @discardableResult func hold(
            _ cause: DestinationHold.Cause = .judgement, asked: Int64? = nil, isProbe: Bool = false, at uptime: Int64
        ) -> Bool {
            hold.hold(
                cause, reason: "no", asked: asked, isProbe: isProbe,
                now: Moment(uptime: uptime, wall: 1_000_000 + uptime), policy: RetryPolicy(), random: &random)
        }
    }

    @Test func `one probe goes first, and its success lets all go`() throws {
        let held = Held()
        #expect(held.hold(at: 0))
        #expect(!held.permits(29_999))
        let until = try #require(held.until)
        #expect((30_000...33_000).contains(until))
        #expect(held.permits(until))
        #expect(held.started())
        #expect(!held.permits(until))
        #expect(held.delivered(isProbe: true))
        #expect(held.permits(until) && held.isFree)
    }

    @Test func `each failed probe holds longer, up to the ceiling`() throws {
        let held = Held()
        var now: Int64 = 0
        var lengths: [Int64] = []
        for round in 0..<8 {
            held.hold(isProbe: round > 0, at: now)
            let until = try #require(held.until)
            lengths.append(until - now)
            now = until
            #expect(held.started())
        }
        #expect(lengths[0] < lengths[1] && lengths[1] < lengths[2])
        #expect(lengths.last! >= 900_000 && lengths.last! <= 910_000)
        #expect(held.hold.since == 1_000_000)
    }

    @Test func `attempts that were under way do not make it longer, unless they ask`() {
        let held = Held()
        held.hold(asked: 5_000, at: 0)
        let until = held.until
        #expect(!held.hold(at: 10))
        #expect(!held.hold(asked: 4_000, at: 10))
        #expect(held.until == until)
        #expect(held.hold(asked: 60_000, at: 10))
        #expect(held.until == 60_010)
        #expect(!held.delivered(isProbe: false))
        #expect(!held.isFree)
    }
}
