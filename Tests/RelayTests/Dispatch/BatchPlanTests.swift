import Events
import Relay
import Testing

@Suite struct BatchPlanTests {
    private func claim(
        quiet: Int64 = 10_000, longest: Int64 = 60_000, limit: Int = 100, transaction: String? = nil
    ) -> BatchClaim {
        BatchClaim(
            deliveryIndex: 0, key: "k", isLatest: false, quietMilliseconds: quiet, maximumMilliseconds: longest,
            limit: limit, transactionKey: transaction)
    }

    @Test func `a batch closes when nothing was added for the quiet time`() {
        var plan = BatchPlan()
        plan.add("a", claim(), at: 0)
        plan.add("b", claim(), at: 4_000)
        #expect(plan.next(at: 10_000) == .wait(until: 14_000))
        #expect(plan.next(at: 14_000) == .close(["a", "b"]))
    }

    @Test func `a batch that never becomes quiet closes at its longest time`() {
        var plan = BatchPlan()
        for second in 0..<10 { plan.add("\(second)", claim(longest: 30_000), at: Int64(second) * 9_000) }
        #expect(plan.next(at: 29_999) == .wait(until: 30_000))
        #expect(plan.next(at: 30_000) == .close((0..<10).map(String.init)))
    }

    @Test func `a full batch closes at once, and what is beyond the limit waits`() {
        var plan = BatchPlan()
        for id in ["a", "b", "c"] { plan.add(id, claim(limit: 2), at: 0) }
        #expect(plan.next(at: 0) == .close(["a", "b"]))
        #expect(plan.next(at: 0) == .wait(until: nil))
        plan.ended()
        #expect(plan.next(at: 0) == .wait(until: 10_000))
        #expect(plan.next(at: 10_000) == .close(["c"]))
    }

    @Test func `while one is in flight the next one gathers`() {
        var plan = BatchPlan()
        plan.add("a", claim(), at: 0)
        #expect(plan.next(at: 10_000) == .close(["a"]))
        plan.add("b", claim(), at: 11_000)
        plan.add("c", claim(), at: 40_000)
        #expect(plan.next(at: 90_000) == .wait(until: nil))
        plan.ended()
        #expect(plan.next(at: 90_000) == .close(["b", "c"]))
        plan.ended()
        #expect(plan.isIdle)
    }

    @Test func `a complete transaction closes its batch, without the event that showed it`() {
        var plan = BatchPlan()
        plan.add("a", claim(transaction: "t1"), at: 0)
        plan.add("b", claim(transaction: "t1"), at: 100)
        #expect(plan.next(at: 100) == .wait(until: 10_100))
        plan.add("c", claim(transaction: "t2"), at: 200)
        #expect(plan.next(at: 200) == .close(["a", "b"]))
        plan.ended()
        #expect(plan.next(at: 200) == .wait(until: 10_200))
    }

    @Test func `streams that have passed a transaction complete it`() {
        var plan = BatchPlan()
        plan.add("a", claim(transaction: "t1"), at: 0)
        #expect(plan.transaction == "t1" && plan.next(at: 0) == .wait(until: 10_000))
        plan.transactionPassed()
        #expect(plan.transaction == nil && plan.next(at: 0) == .close(["a"]))
        plan.ended()
        plan.add("b", claim(transaction: "t3"), at: 1)
        plan.transactionPassed()
        #expect(plan.next(at: 1) == .close(["b"]))
    }

    @Test func `batches that do not go by transactions do not care for them`() {
        var plan = BatchPlan()
        plan.add("a", claim(), at: 0)
        plan.transactionPassed()
        #expect(plan.next(at: 0) == .wait(until: 10_000))
    }

    @Test func `transactions that end while one is in flight are delivered together`() {
        var plan = BatchPlan()
        plan.add("a", claim(transaction: "t1"), at: 0)
        plan.transactionPassed()
        #expect(plan.next(at: 0) == .close(["a"]))
        plan.add("b", claim(transaction: "t2"), at: 1)
        plan.add("c", claim(transaction: "t3"), at: 2)
        plan.add("d", claim(transaction: "t4"), at: 3)
        plan.ended()
        #expect(plan.next(at: 3) == .close(["b", "c"]))
    }
}
