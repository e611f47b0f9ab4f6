import Events
import Testing

@testable import Relay

@Suite struct ReplayPaceTests {
    @Test func `it takes what the limit leaves, and then stops`() {
        var pace = ReplayPace(rate: nil, limit: 150, taken: 20)
        #expect(pace.next(uptime: 0, .init()) == .take(events: 100))
        pace.took(100)
        #expect(pace.next(uptime: 0, .init()) == .take(events: 30))
        pace.took(30)
        #expect(pace.next(uptime: 0, .init()) == .stop)
    }

    @Test func `live deliveries, a full outbox and the org's allocation hold it back`() {
        var pace = ReplayPace(rate: nil, limit: nil)
        guard case .wait = pace.next(uptime: 0, .init(pending: ReplayPace.ahead)) else {
            Issue.record("it does not wait for others")
            return
        }
        #expect(
            pace.next(uptime: 0, .init(isBackedUp: true))
                == .wait(milliseconds: ReplayPace.backedUpWait, why: "the outbox is full"))
        #expect(pace.next(uptime: 0, .init(brake: "95 % used")) == .wait(milliseconds: 60_000, why: "95 % used"))
        #expect(pace.next(uptime: 0, .init()) == .take(events: 100))
    }

    @Test(arguments: [2.0, 50, 1_000]) func `over ten seconds it keeps to its rate`(rate: Double) {
        var pace = ReplayPace(rate: rate, limit: nil)
        var now: Int64 = 0
        var taken = 0
        while now < 10_000 {
            switch pace.next(uptime: now, .init()) {
            case .take(let events):
                taken += events
                pace.took(events)
            case .wait(let milliseconds, _): now += milliseconds
            case .stop: return
            }
        }
        #expect(abs(Double(taken) - rate * 10) <= rate / 10 + 2, "\(taken)")
    }

    @Test func `a delivery's ID says which replay it belongs to`() {
        let live = "sl_" + String(repeating: "a", count: 32)
        let id = ReplayedDelivery.id(live, of: "rp00c0ffee")
        #expect(id == live + "_rp00c0ffee")
        #expect(ReplayedDelivery.replay(ofDelivery: id) == "rp00c0ffee" && ReplayedDelivery.replay(ofDelivery: live) == nil)
        #expect(ReplayedDelivery.id(id, of: "rp12345678") == live + "_rp12345678")
        #expect(ReplayTime.parse("2026-11-22T03:00Z") == ReplayTime.parse("2026-11-22T04:00:00+01:00"))
        #expect(ReplayTime.parse("2026-02-30") == nil && ReplayTime.parse("2026-11-22T24:00Z") == nil)
        #expect(ReplayTime.parse("2026-11-22T03:00:30.5Z") == 1_795_316_430_500 && ReplayTime.parse("yesterday") == nil)
    }
}
