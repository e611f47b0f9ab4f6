import Events
import FoundationEssentials
import Glibc

/// What became of one seed.
struct Outcome {
    let hash: UInt64
    let problems: [String]
    let drawn: [String: Int]
    let events: Int
    let deliveries: Int
    let duplicates: Int
    let crashes: Int
    let lives: Int
    let lostWrites: Int
    let milliseconds: Int64
    let jobs: Int

    init(seed: UInt64, _ options: Options) {
        let trace = Trace(print: options.isSpoken ? { print($0) } : nil)
        let world = World(seed: seed, defect: options.defect, trace: trace)
        world.run()
        world.disk.wipe()
        hash = trace.hash
        problems = world.truth.problems
        drawn = world.faults.drawn
        events = world.truth.events
        deliveries = world.truth.deliveries
        duplicates = world.truth.duplicates
        crashes = world.crashes
        lives = world.lives
        lostWrites = world.disk.lostWrites
        milliseconds = world.machine.now
        jobs = world.machine.jobsRun
    }
}

/// What became of all seeds.
struct Summary: Codable {
    private static let mostTraces = 20

    private(set) var seeds = 0
    private var seedsBefore = 0
    private var failed: [UInt64] = []
    private var divergent: [UInt64] = []
    private var hash: UInt64?
    /// Of each seed, while they are few.
    private var traces: [String] = []
    private var drawn: [String: Int] = [:]
    private var totals: [Total] = []

    private struct Total: Codable {
        var name: String
        var count: Int
    }

    var isGood: Bool { failed.isEmpty && divergent.isEmpty }

    mutating func diverged(_ seed: UInt64) {
        divergent.append(seed)
        Swift.print("seed \(seed): the second run went another way, so it cannot be repeated")
    }

    private static func text(_ hash: UInt64) -> String {
        Hex.encode((0..<8).map { UInt8(truncatingIfNeeded: hash >> UInt64(56 - 8 * $0)) })
    }

    mutating func add(_ outcome: Outcome, seed: UInt64) {
        for problem in outcome.problems { Swift.print("seed \(seed): \(problem)") }
        if traces.count <= Self.mostTraces { traces.append("trace of \(seed): \(Self.text(outcome.hash))") }
        seeds += 1
        if !outcome.problems.isEmpty { failed.append(seed) }
        let trace = Trace(hash)
        trace.mix(outcome.hash)
        hash = trace.hash
        drawn.merge(outcome.drawn, uniquingKeysWith: +)
        let counts = [
            ("events", outcome.events), ("deliveries", outcome.deliveries), ("duplicates", outcome.duplicates),
            ("lives", outcome.lives), ("crashes", outcome.crashes), ("writes lost", outcome.lostWrites),
            ("jobs", outcome.jobs), ("simulated minutes", Int(outcome.milliseconds / 60_000)),
        ]
        totals = counts.enumerated().map { Total(name: $1.0, count: $1.1 + (totals.isEmpty ? 0 : totals[$0].count)) }
    }

    // MARK: From one process to the next

    /// Of killed relays something stays in memory, so many seeds are run by several processes, one after another.
    private static let seedsPerProcess = 500
    /// Of the environment.
    static let variable = "SLUICE_SIMULATION_SO_FAR"

    var isFull: Bool { seeds - seedsBefore >= Self.seedsPerProcess }

    /// What an earlier process came to.
    static var soFar: Summary? {
        guard let text = getenv(variable),
            var summary = try? JSONDecoder().decode(Summary.self, from: Data(String(cString: text).utf8))
        else { return nil }
        summary.seedsBefore = summary.seeds
        return summary
    }

    /// For `soFar`. Without it the next process would begin with the first seed again, and never end.
    var text: String {
        guard let json = try? JSONEncoder().encode(self) else { fatalError("what was found so far cannot be handed on") }
        return String(decoding: json, as: UTF8.self)
    }

    // MARK: The end

    func print() {
        Swift.print("\(seeds) seeds, \(drawn.count) distinct faults, \(drawn.values.reduce(0, +)) drawn")
        for (name, count) in drawn.sorted(by: { $0.key < $1.key }) { Swift.print("  \(count) × \(name)") }
        Swift.print(totals.map { "\($0.count) \($0.name)" }.joined(separator: ", "))
        if traces.count <= Self.mostTraces { for trace in traces { Swift.print(trace) } }
        Swift.print("trace \(Self.text(Trace(hash).hash))")
        if !failed.isEmpty { Swift.print("failed: \(failed.map(String.init).joined(separator: " "))") }
    }
}
