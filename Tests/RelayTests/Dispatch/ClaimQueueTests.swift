import Events
import Store
import Testing

@testable import Relay

@Suite struct ClaimQueueTests {
    private static let tight: DispatchLimits = {
        var limits = DispatchLimits()
        limits.claims = 16
        limits.leastClaims = 2
        limits.pageRows = 4
        return limits
    }()

    /// Reports what is not of a flow that stands.
    private actor Collector: RunCollector {
        let standing: Set<String>
        private(set) var held: [String: Int] = [:]
        private(set) var done: [String] = []
        private var reporting: Outbox?

        init(standing: Set<String>) { self.standing = standing }

        func report(to outbox: Outbox) { reporting = outbox }

        func add(_ delivery: Delivery) {
            guard !standing.contains(delivery.lane) else {
                held[delivery.lane, default: 0] += 1
                return
            }
            done.append(delivery.id)
            let (outbox, id) = (reporting, delivery.id)
            Task { await outbox?.delivered([id]) }
        }

        func tryNow() -> [String] { [] }
    }

    @Test func `a flow that stands keeps its claims, and no other flow waits behind them`() async throws {
        let scratch = Scratch()
        let collector = Collector(standing: ["a", "b"])
        let bench = try await Bench(scratch: scratch, collector: collector, limits: Self.tight)
        await collector.report(to: bench.outbox)
        for number in 1...60 {
            try await bench.outbox.accept(
                Make.batch([Make.run(number, flow: number % 2 == 0 ? "a" : "b")], cursor: number))
        }
        await bench.outbox.flush()
        for number in 61...100 {
            try await bench.outbox.accept(Make.batch([Make.run(number, flow: "c")], cursor: number))
        }
        try await bench.run("the flow that is well") { await collector.done.count == 40 }
        #expect(await collector.held.values.allSatisfy { $0 <= 16 })
        #expect(await collector.held.values.reduce(0, +) <= 3 * 16)
        try await bench.crash()

        // What was not reported before the crash is in the store, behind what stands.
        let again = Collector(standing: ["a"])
        let second = try await Bench(scratch: scratch, collector: again, limits: Self.tight)
        await again.report(to: second.outbox)
        let mended = Set((1...60).filter { $0 % 2 == 1 }.map { "sl_\($0)" })
        try await second.run("the one that was mended") { await mended.isSubset(of: again.done) }
        #expect(try await second.store.claimGroups()["hook"]?.contains("a") == true)
    }

    @Test func `many flows that stand leave room for one more`() async throws {
        let flows = (0..<12).map { "s\($0)" }
        let collector = Collector(standing: Set(flows))
        let bench = try await Bench(collector: collector, limits: Self.tight)
        await collector.report(to: bench.outbox)
        var number = 0
        for flow in flows {
            for _ in 0..<20 {
                number += 1
                try await bench.outbox.accept(Make.batch([Make.run(number, flow: flow)], cursor: number))
            }
        }
        await bench.outbox.flush()
        for _ in 0..<20 {
            number += 1
            try await bench.outbox.accept(Make.batch([Make.run(number, flow: "well")], cursor: number))
        }
        try await bench.run("the flow that is well") { await collector.done.count == 20 }
        #expect(await collector.held.values.reduce(0, +) <= 3 * 16)
    }

    private func entry(_ number: Int, flow: String) -> OutboxEntry {
        OutboxEntry(seq: Int64(number), delivery: Make.run(number, flow: flow))
    }

    @Test func `one flow alone may have the whole window, and those after it half of what is left`() {
        let queue = ClaimQueue(limits: Self.tight, stored: [])
        queue.open()
        for number in 1...100 { queue.offer(entry(number, flow: "a")) }
        #expect(queue.count == 16)
        for number in 101...200 { queue.offer(entry(number, flow: "b")) }
        #expect(queue.count == 16 + 8)
        for number in 201...300 { queue.offer(entry(number, flow: "c")) }
        #expect(queue.count == 16 + 8 + 4)
    }

    @Test func `batches are paged by their rule, however many keys they have`() {
        let queue = ClaimQueue(limits: Self.tight, stored: [])
        queue.open()
        for number in 1...100 {
            queue.offer(OutboxEntry(seq: Int64(number), delivery: Make.delivery(number, lane: "gone/0/\(number)")))
        }
        queue.offer(OutboxEntry(seq: 101, delivery: Make.delivery(101, lane: "well/0/k")))
        #expect(queue.count == 16 + 1)
    }

    @Test func `a claim leaves nothing behind, and its group goes with the last`() {
        let queue = ClaimQueue(limits: Self.tight, stored: [])
        queue.open()
        for number in 1...20 { queue.offer(entry(number, flow: "f\(number)")) }
        for number in 1...20 { #expect(queue.remove("sl_\(number)").count == 1) }
        #expect(queue.isEmpty && queue.count == 0)
    }
}
