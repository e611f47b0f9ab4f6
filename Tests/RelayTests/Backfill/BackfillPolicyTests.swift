import Events
import Store
import Testing

@testable import Relay

/// What decides without sockets and clocks.
@Suite struct BackfillPolicyTests {
    // MARK: Coverage

    @Test func `a record holds the events up to its last change`() {
        #expect(SnapshotCoverage.of(modified: 1_250, readAt: 1_300) == .until(1_250))
    }

    @Test func `a whole second counts to its end, once it is well over`() {
        #expect(SnapshotCoverage.of(modified: 20_000, readAt: 25_000) == .until(20_999))
        #expect(SnapshotCoverage.of(modified: 20_000, readAt: 24_999) == .unsettled)
        #expect(SnapshotCoverage.loosely(modified: 20_000) == 19_999)
    }

    @Test func `a record that tells no time holds back no event`() {
        #expect(SnapshotCoverage.of(modified: nil, readAt: 1) == .until(.min))
    }

    // MARK: Turns

    @Test func `streams go beside each other, a page alone, in the order in which they came`() {
        var lock = PageLock()
        let entered = [
            lock.enter(1, isPage: false), lock.enter(2, isPage: false), lock.enter(3, isPage: true),
            // A stream does not pass a page that waits.
            lock.enter(4, isPage: false),
        ]
        #expect(entered == [true, true, false, false])
        var next = [lock.leave(isPage: false), lock.leave(isPage: false)]
        #expect(next == [[], [3]])
        let later = lock.enter(5, isPage: false)
        next = [lock.leave(isPage: true)]
        #expect(!later && next == [[4, 5]] && !lock.isFree)
        next = [lock.leave(isPage: false), lock.leave(isPage: false)]
        #expect(next == [[], []] && lock.isFree)
    }

    @Test func `whoever gives up waiting lets the others go on`() {
        var lock = PageLock()
        let entered = [lock.enter(1, isPage: false), lock.enter(2, isPage: true), lock.enter(3, isPage: false)]
        let next = lock.giveUp(2)
        #expect(entered == [true, false, false] && next == [3])
    }

    // MARK: Pace

    @Test func `records go at the rate, not faster, and a page lasts four seconds at most`() {
        var pace = BackfillPace(rate: 50)
        #expect(pace.rows == 200)
        var records = 0
        for uptime in stride(from: Int64(0), to: 10_000, by: 10) {
            let (count, _) = pace.next(uptime: uptime)
            pace.took(count)
            records += count
        }
        #expect((499...506).contains(records))
        #expect(BackfillPace(rate: nil).rows == 1_000 && BackfillPace(rate: 0.5).rows == 2
                && BackfillPace(rate: 0.01).rows == 1)
    }

    @Test func `a page that is too much is halved down to a few records, and grows again`() {
        var pace = BackfillPace(rate: nil)
        #expect(pace.narrow() && pace.rows == 500)
        while pace.narrow() {}
        #expect(pace.rows == BackfillPace.leastRows)
        pace.widen()
        #expect(pace.rows == BackfillPace.leastRows + BackfillPace.growth)
        for _ in 0..<20 { pace.widen() }
        #expect(pace.rows == BackfillPace.pageRows)
        var slow = BackfillPace(rate: 1)
        #expect(!slow.narrow() && slow.rows == 4, "a page that is smaller anyhow stays as it is")
    }

    @Test func `a page waits while its destinations are busy`() {
        var load = ReplayPace.Load()
        #expect(BackfillPace(rate: nil).page(load) == .go)
        load.pending = ReplayPace.ahead
        #expect(BackfillPace(rate: nil).page(load) != .go)
    }

    // MARK: Settling

    @Test func `marks stay until every stream is well past the end, or nothing older is kept`() {
        let settling = Settling(endedAt: 0)
        let past = Settling.publishing
        #expect(!settling.isOver(reached: [past, nil], now: past))
        #expect(!settling.isOver(reached: [past, past - 1], now: past))
        #expect(settling.isOver(reached: [past, past], now: past))
        #expect(settling.isOver(reached: [nil], now: Settling.retention))
        #expect(!settling.isOver(reached: [], now: past - 1))
    }

    // MARK: Estimates

    @Test func `what is left is estimated by the rate, or by how fast it was`() {
        var progress = BackfillProgress()
        progress.expected = 1_000
        progress.records = 250
        progress.beganAt = 0
        #expect(BackfillDesk.secondsLeft(progress, nil, now: 10_000) == 30)
        #expect(BackfillDesk.secondsLeft(progress, 50, now: 10_000) == 15)
        progress.expected = nil
        #expect(BackfillDesk.secondsLeft(progress, nil, now: 10_000) == nil)
    }
}
