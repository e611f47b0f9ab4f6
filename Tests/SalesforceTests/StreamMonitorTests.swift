import Testing

@testable import Salesforce

@Suite struct StreamMonitorTests {
    @Test func `silence for the watchdog's time ends the stream`() {
        var monitor = StreamMonitor(watchdog: .seconds(300), parkAfter: .seconds(45), now: .zero)
        #expect(monitor.next(now: .seconds(60)) == .accepted)
        #expect(monitor.next(now: .seconds(299)) == .wait(.seconds(1)))
        #expect(monitor.next(now: .seconds(300)) == .silent)
    }

    @Test func `a stream that was not refused is told once, unless something came`() {
        var quiet = StreamMonitor(watchdog: .seconds(300), parkAfter: .seconds(45), now: .zero)
        #expect(quiet.next(now: .seconds(4)) == .wait(.seconds(6)))
        #expect(quiet.next(now: .seconds(10)) == .accepted)
        #expect(quiet.next(now: .seconds(10)) == .wait(.seconds(15)))
        var busy = StreamMonitor(watchdog: .seconds(300), parkAfter: .seconds(45), now: .zero)
        busy.received(pending: 50, now: .seconds(1))
        busy.handled(now: .seconds(2))
        #expect(busy.next(now: .seconds(15)) == .wait(.seconds(15)))
    }

    @Test func `a consumer without room is noticed before Salesforce closes the stream`() {
        var monitor = StreamMonitor(watchdog: .seconds(300), parkAfter: .seconds(45), now: .zero)
        monitor.received(pending: 50, now: .seconds(10))
        #expect(monitor.next(now: .seconds(54)) == .wait(.seconds(1)))
        #expect(monitor.next(now: .seconds(55)) == .park)
    }

    @Test func `it never sleeps so long that parking would come too late`() {
        var monitor = StreamMonitor(watchdog: .seconds(300), parkAfter: .seconds(45), now: .zero)
        #expect(monitor.next(now: .zero) == .wait(.seconds(10)))
        _ = monitor.next(now: .seconds(10))
        #expect(monitor.next(now: .seconds(10)) == .wait(.seconds(15)))
    }

    @Test func `a zero credit without an answer asks again, once`() {
        var monitor = StreamMonitor(watchdog: .seconds(300), parkAfter: .seconds(45), now: .zero)
        monitor.received(pending: 0, now: .zero)
        monitor.handled(now: .zero)
        #expect(monitor.next(now: .seconds(20)) == .stalled)
        #expect(monitor.next(now: .seconds(20)) == .wait(.seconds(15)))
    }
}
