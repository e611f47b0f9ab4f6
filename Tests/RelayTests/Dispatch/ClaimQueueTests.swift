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

        func report(to outbox: Outbox) async {
            reporting = outbox
            // What came before.
            await outbox.delivered(done)
        }

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

    private static func batch(_ number: Int, key: String) -> Delivery {
        let claim = BatchClaim(
            deliveryIndex: 0, key: key, isLatest: false, quietMilliseconds: 1, maximumMilliseconds: 2, limit: 3,
            transactionKey: nil)
        return Make.delivery(number, lane: "orders/0/\(key)", target: .batch(claim))
    }

    @Test func `a batch key that stands leaves room for the other keys of its rule`() async throws {
        let scratch = Scratch()
        let collector = Collector(standing: ["orders/0/a", "orders/0/b"])
        let bench = try await Bench(scratch: scratch, limits: Self.tight, gatherer: collector)
        await collector.report(to: bench.outbox)
        for number in 1...90 {
            let key = number <= 60 ? (number % 2 == 0 ? "a" : "b") : "c"
            try await bench.outbox.accept(Make.batch([Self.batch(number, key: key)], cursor: number))
            if number == 60 { await bench.outbox.flush() }
        }
        try await bench.run("the key that is well") { await collector.done.count == 30 }
        await bench.outbox.flush()
        try await bench.crash()

        let again = Collector(standing: ["orders/0/a"])
        let second = try await Bench(scratch: scratch, limits: Self.tight, gatherer: again)
        await again.report(to: second.outbox)
        for number in 91...100 {
            try await second.outbox.accept(Make.batch([Self.batch(number, key: "c")], cursor: number))
        }
        let mended = (1...60).filter { $0 % 2 == 1 }.map { "sl_\($0)" }
        let new = (91...100).map { "sl_\($0)" }
        try await second.run("the one that was mended, and the new ones") {
            await Set(mended + new).isSubset(of: again.done)
        }
        #expect(await again.done.filter { mended.contains($0) } == mended, "each once, in its order")
        #expect(await again.done.filter { new.contains($0) } == new)
        #expect(try await second.store.pendingCounts().first?.count ?? 0 >= 30)
        #expect(await second.outbox.status().destinations[0].pending == 30)
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func `whatever stands and goes on, each claim is given once, and in the order of its key`(_ seed: UInt64) throws {
        var random = Jitter(seed: seed)
        let queue = ClaimQueue(limits: Self.tight, stored: [])
        queue.open()
        var rows: [OutboxEntry] = []
        var given: [String: [Int64]] = [:]
        var held: [OutboxEntry] = []
        var ended: Set<Int64> = []
        var seq: Int64 = 0
        func turn(_ isOver: Bool) {
            for _ in 0..<(isOver ? 0 : Int(random.next() % 12)) {
                seq += 1
                let key = ["a", "a", "a", "b", "c"][Int(random.next() % 5)]
                let entry = OutboxEntry(seq: seq, delivery: Self.batch(Int(seq), key: key))
                rows.append(entry)
                queue.offer(entry)
            }
            if random.next() % 2 == 0 || isOver {
                rows.removeAll { ended.contains($0.seq) }
                for row in rows { row.storage = .stored }
                queue.committed()
            }
            for _ in 0..<20 where queue.wantsReads {
                let reads = queue.reads(for: "hook")
                let found = reads.map { read in
                    rows.filter { row in
                        guard row.storage == .stored, row.seq > read.after else { return false }
                        return read.lane.map { $0 == row.delivery.lane } ?? (read.group == row.delivery.claimGroup)
                    }.prefix(read.limit).map { StoredDelivery(seq: $0.seq, delivery: $0.delivery) }
                }
                queue.loaded(reads, found, now: Moment(uptime: 0, wall: 0))
            }
            while let entry = queue.next() {
                given[entry.delivery.lane, default: []].append(entry.seq)
                held.append(entry)
            }
            let mayEnd = isOver || random.next() % 3 == 0
            for entry in held where entry.delivery.lane != "orders/0/a" || mayEnd {
                #expect(queue.remove(entry.delivery.id).count == 1)
                // The row leaves the store with the next commit.
                ended.insert(entry.seq)
            }
            held.removeAll { $0.delivery.lane != "orders/0/a" || mayEnd }
        }
        for _ in 0..<60 { turn(false) }
        for _ in 0..<200 where !queue.isEmpty { turn(true) }
        #expect(queue.isEmpty && queue.count == 0)
        #expect(given.values.allSatisfy { $0 == $0.sorted() && Set($0).count == $0.count })
        #expect(given.values.map(\.count).reduce(0, +) == Int(seq))
    }

    @Test func `a claim leaves nothing behind, and its group goes with the last`() {
        let queue = ClaimQueue(limits: Self.tight, stored: [])
        queue.open()
        for number in 1...20 { queue.offer(entry(number, flow: "f\(number)")) }
        for number in 1...20 { #expect(queue.remove("sl_\(number)").count == 1) }
        #expect(queue.isEmpty && queue.count == 0)
    }
}
