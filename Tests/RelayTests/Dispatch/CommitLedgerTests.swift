import Events
import Store
import Testing

@testable import Relay

@Suite struct CommitLedgerTests {
    private func entries(_ ledger: CommitLedger, _ numbers: ClosedRange<Int>) -> [OutboxEntry] {
        numbers.map { number in
            let entry = OutboxEntry(seq: Int64(number), delivery: Make.delivery(number))
            ledger.accept(entry)
            return entry
        }
    }

    @Test func `an acknowledgement during the commit is written by the next one`() {
        let ledger = CommitLedger()
        let all = entries(ledger, 1...3)
        ledger.resolve(all[0])
        #expect(ledger.take().added.map(\.seq) == [2, 3])
        #expect(!ledger.isDirty)
        ledger.resolve(all[1])
        #expect(ledger.isDirty && !ledger.isOnlyCursors, "who waits until all is written waits for one commit more")
        let cost = all[1].cost
        let growth = ledger.committed()
        #expect(growth.rows == 2 && growth.bytes == 2 * cost)
        #expect(ledger.unwritten == 0 && ledger.unwrittenBytes == 0)
        ledger.resolve(all[2])
        let next = ledger.take()
        #expect(next.removed == [2, 3] && next.added.isEmpty)
        let shrinking = ledger.committed()
        #expect(shrinking.rows == -2 && shrinking.bytes == -2 * cost)
        #expect(ledger.isClean)
    }

    @Test func `a commit that fails leaves everything for the next one, in order`() {
        let ledger = CommitLedger()
        let first = entries(ledger, 1...2)
        ledger.accept(Make.batch([], cursor: 2, raw: [1, 2]))
        _ = ledger.take()
        let second = entries(ledger, 3...3)
        ledger.accept(Make.batch([], cursor: 3, raw: [3]))
        ledger.resolve(first[0])
        ledger.failed()
        let group = ledger.take()
        #expect(group.added.map(\.seq) == [2, 3])
        #expect(group.journal.map(\.raw) == [[1, 2], [3]])
        #expect(group.cursors[Make.key]?.replayID == Make.replayID(3))
        #expect(group.removed.isEmpty)
        #expect(ledger.committed().rows == 2)
        #expect(ledger.unwritten == 0 && ledger.unwrittenBytes == 0)
        #expect(second[0].storage == .stored)
    }

    @Test func `a commit that was only wanted comes again if it fails`() {
        let ledger = CommitLedger()
        ledger.want()
        #expect(ledger.isDirty && !ledger.isOnlyCursors)
        #expect(ledger.take().isEmpty && !ledger.isDirty)
        ledger.failed()
        #expect(ledger.isDirty)
        _ = ledger.take()
        #expect(ledger.committed().rows == 0 && !ledger.isDirty)
    }

    @Test func `progress that changes during a commit is written by the next one`() {
        let ledger = CommitLedger()
        let entry = entries(ledger, 1...1)[0]
        _ = ledger.take()
        entry.progress.nextAttemptAt = 5
        ledger.changed(entry)
        #expect(!entry.isEvictable && ledger.isDirty)
        _ = ledger.committed()
        #expect(ledger.take().changed.map(\.progress.nextAttemptAt) == [5])
        entry.progress.nextAttemptAt = 6
        ledger.changed(entry)
        ledger.failed()
        #expect(ledger.take().changed.map(\.progress.nextAttemptAt) == [6])
        _ = ledger.committed()
        #expect(entry.isEvictable && ledger.isClean)
    }

    @Test func `a keepalive does not forget the time of the last event`() {
        let ledger = CommitLedger()
        ledger.accept(RoutedBatch(cursor: Make.cursor(1)))
        var keepalive = Make.cursor(2)
        keepalive.commitTime = nil
        ledger.accept(RoutedBatch(cursor: keepalive))
        let cursor = ledger.take().cursors[Make.key]
        #expect(cursor?.replayID == Make.replayID(2))
        #expect(cursor?.commitTime == Make.cursor(1).commitTime)
    }
}
