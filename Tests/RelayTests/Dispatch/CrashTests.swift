import Events
import Glibc
import Store
import Synchronization
import Testing

@testable import Relay

/// Random failures and random ends of the process, from a seed. The receiver counts.
@Suite struct CrashTests {
    /// More of them by `SLUICE_SEEDS=500`; a failing seed fails again.
    static var seeds: ClosedRange<UInt64> { 1...(getenv("SLUICE_SEEDS").flatMap { UInt64(String(cString: $0)) } ?? 8) }

    @Test(arguments: seeds)
    func `whatever happens, every delivery arrives or is a dead letter, in order per lane`(seed: UInt64) async throws {
        var random = Jitter(seed: seed)
        let scratch = Scratch()
        let clock = ManualClock()
        let world = World(seed: seed, events: 400)
        var crashes = 0
        while true {
            let bench = try await Bench(
                scratch: scratch, clock: clock, sink: world.sink,
                concurrency: .fixed(Int.random(in: 1...6, using: &random)),
                limits: Bool.random(using: &random) ? OutboxStoreTests.tight : DispatchLimits(), seed: random.next())
            let crashesAfter = crashes < 12 ? Int.random(in: 1...120, using: &random) : .max
            let done = try await live(bench, world, crashesAfter: crashesAfter, &random)
            try await bench.crash()
            if done { break }
            crashes += 1
        }
        let store = try Store(path: scratch.store, wall: 0)
        let dead = try await store.deadLetters(limit: 10_000).map(\.delivery.id)
        let delivered = world.sink.delivered
        #expect(Set(delivered).union(dead).count == world.events, "lost with seed \(seed)")
        #expect(try await store.pendingCounts().isEmpty)
        #expect(world.orderViolations(delivered).isEmpty, "out of order with seed \(seed)")
    }

    /// Feeds the stream from the stored cursor on.
    ///
    /// - Returns: whether everything was done before the end came.
    private func live(_ bench: Bench, _ world: World, crashesAfter: Int, _ random: inout Jitter) async throws -> Bool {
        let start = (try await bench.storedCursor() ?? -1) + 1
        let sizes = (0..<world.events).map { _ in Int.random(in: 1...25, using: &random) }
        let feeding = Task {
            var next = start
            while next < world.events {
                let end = min(world.events, next + sizes[next])
                let raw = [UInt8](repeating: 1, count: 50)
                try await bench.outbox.accept(
                    Make.batch((next..<end).map(world.delivery), cursor: end - 1, raw: raw))
                next = end
            }
        }
        defer { feeding.cancel() }
        var steps = 0
        var done = false
        try await bench.run("everything settled") {
            steps += 1
            if steps > crashesAfter { return true }
            let status = await bench.outbox.status()
            guard status.destinations.allSatisfy({ $0.pending == 0 }), status.unwritten == 0 else { return false }
            let cursor = try! await bench.storedCursor()
            let isClean = await bench.outbox.isClean
            done = cursor == world.events - 1 && isClean
            return done
        }
        return done
    }

    private final class World: Sendable {
        let events: Int
        let sink: FakeSink

        init(seed: UInt64, events: Int) {
            self.events = events
            let random = Mutex(Jitter(seed: seed &* 31))
            sink = FakeSink { _, _ in
                switch random.withLock({ (random: inout Jitter) in Int.random(in: 0..<100, using: &random) }) {
                case 0: .park(AttemptNote(status: 400, reason: "no"))
                case 1: .hold(AttemptNote(status: 429, reason: "slow down"), scope: .destination, for: .seconds(2))
                case 2: .hold(AttemptNote(status: 404, reason: "inactive"), scope: .target, for: nil)
                case 3..<18: .retry(.busy, after: nil)
                case 18..<22: .retry(.down, after: nil)
                default: .delivered(.ok)
                }
            }
        }

        @Sendable func delivery(_ number: Int) -> Delivery {
            Make.delivery(
                number, lane: "\(number % 23)", target: .flow(id: "\(number % 3)"),
                retry: RetryLimits(horizonMilliseconds: 600_000))
        }

        /// Deliveries whose first arrival came after that of a later one of their lane.
        func orderViolations(_ delivered: [String]) -> [Int] {
            var last: [Int: Int] = [:]
            var seen: Set<Int> = []
            return delivered.compactMap { Int($0.dropFirst(3)) }.filter { number in
                guard seen.insert(number).inserted else { return false }
                defer { last[number % 23] = number }
                return number < last[number % 23] ?? -1
            }
        }
    }
}
