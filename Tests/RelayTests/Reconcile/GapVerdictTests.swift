import Events
import Store
import Testing

@testable import Relay

@Suite struct GapVerdictTests {
    @Test func `a read well behind the last change holds everything up to the end of its second`() {
        #expect(GapVerdict.of(modified: 7_000, readAt: 12_000, reads: 1, later: []) == .covered(until: 7_999))
        #expect(GapVerdict.of(modified: 7_123, readAt: 7_200, reads: 1, later: []) == .covered(until: 7_123))
        #expect(GapVerdict.of(modified: nil, readAt: 7_200, reads: 1, later: []) == .covered(until: .min))
    }

    @Test func `a read within the doubtful seconds is made again behind them`() {
        #expect(GapVerdict.of(modified: 7_000, readAt: 11_999, reads: 1, later: []) == .again(at: 12_500))
        #expect(GapVerdict.of(modified: 7_000, readAt: 7_500, reads: 1, later: [7_600, 9_000]) == .again(at: 12_500))
        #expect(GapVerdict.of(modified: 7_000, readAt: 7_500, reads: 1, later: [7_600]) == .again(at: 12_500))
    }

    @Test func `a later event of the record proves that its second is over`() {
        #expect(GapVerdict.of(modified: 7_000, readAt: 7_500, reads: 1, later: [8_000]) == .covered(until: 7_999))
    }

    @Test func `a record that changes all the time is given up to its order in the end`() {
        #expect(
            GapVerdict.of(modified: 7_000, readAt: 7_500, reads: GapVerdict.maximumReads, later: [7_600])
                == .covered(until: 6_999))
    }
}

@Suite struct CoveredRulesTests {
    @Test func `an event is older for those rules only whose receivers have something newer`() throws {
        #expect(CoveredRules(["a": 5, "b": 9], at: 10) == nil)
        let covered = try #require(CoveredRules(["a": 5, "b": 9], at: 6))
        #expect(covered.contains("b") && !covered.contains("a"))
        let every = try #require(CoveredRules(["": 9], at: 9))
        #expect(every.contains("a"))
    }

    @Test func `each record and rule has one mark, whatever it was delivered to`() {
        let deliveries = [Make.delivery(1), Make.delivery(2), Make.delivery(3, lane: "b"), Make.delivery(4, lane: "c")]
        #expect(
            deliveries.marks(["a": 3, "b": 4]) == [
                RecordMark(recordID: "a", rule: "orders", covers: 3), RecordMark(recordID: "b", rule: "orders", covers: 4),
            ])
    }
}
