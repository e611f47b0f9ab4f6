import Glibc
import PeerSupport
import Testing

/// The whole relay under a seeded clock, network, disk and receivers; `Tests/Simulation/main.swift` says how. It runs in
/// processes of its own, since it takes over every task of one.
///
/// 500 seeds; more by `SLUICE_SIMULATION_SEEDS=10000`. `SLUICE_SIMULATION_SEED=17` runs that one alone and shows all that
/// happens in it. `SLUICE_SIMULATION` names another build of the program than the one beside the tests.
@Suite(.serialized) struct SimulationTests {
    @Test func `whatever goes wrong, everything arrives in order or is parked with a reason`() async throws {
        if let seed = Self.setting("SLUICE_SIMULATION_SEED") {
            let run = try await Simulation.run("--seed", seed)
            print(run.output.joined(separator: "\n"))
            #expect(run.status == 0)
            return
        }
        let seeds = Self.setting("SLUICE_SIMULATION_SEEDS").flatMap { Int($0) } ?? 500
        let half = seeds / 2
        async let first = Simulation.run("--seeds", "\(half)")
        async let second = Simulation.run("--first", "\(half)", "--seeds", "\(seeds - half)")
        let runs = try await [first, second]
        for run in runs { print(run.output.joined(separator: "\n")) }
        let faults = Set(runs.flatMap(\.faults))
        print("\(seeds) seeds, \(faults.count) distinct faults")
        #expect(runs.allSatisfy { $0.status == 0 }, "seeds that fail are named above")
        // Otherwise little was tried.
        #expect(faults.count >= min(60, 20 + seeds / 4))
    }

    /// Each with the words by which it has to be seen.
    @Test(arguments: [
        ("cursor-early", "the cursor passed"), ("laneless", "overtaken in its lane"), ("forgetful", "is nowhere"),
        ("busy", "busy loop"), ("unbounded", "stored deliveries"), ("replay-moves-cursor", "went back"),
        ("replay-forgotten", "owes"), ("marks-forgotten", "is older than what its receiver has"),
        ("echoes-heard", "nobody wants it"),
    ])
    func `a planted bug is caught`(defect: String, words: String) async throws {
        let run = try await Simulation.run("--seeds", "60", "--defect", defect, "--as", words)
        #expect(run.status == 1)
        #expect(run.output.contains { $0.hasPrefix("seed ") && $0.contains(words) }, "\(run.output.prefix(20))")
    }

    @Test func `a seed repeats: in the same process, in another one, and by itself`() async throws {
        let first = try await Simulation.run("--seeds", "10", "--twice")
        let second = try await Simulation.run("--seeds", "10")
        #expect(first.status == 0, "\(first.output)")
        #expect(first.trace == second.trace)
        let alone = try await Simulation.run("--first", "9", "--seeds", "1")
        let spoken = try await Simulation.run("--seed", "9")
        #expect(alone.traces == [first.traces[9]])
        #expect(spoken.traces == alone.traces)
    }

    @Test func `a decision that does not come from the seed is seen`() async throws {
        let run = try await Simulation.run("--seeds", "10", "--twice", "--defect", "unseeded")
        #expect(run.status == 1)
        #expect(run.output.contains { $0.contains("went another way") }, "\(run.output)")
    }

    fileprivate static func setting(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

/// `sluice-simulation`, beside the tests.
enum Simulation {
    struct Run {
        var status: Int32
        var output: [String]

        /// Of all seeds, and of each.
        var trace: String? { output.last { $0.hasPrefix("trace ") } }
        var traces: [String] { output.filter { $0.hasPrefix("trace of ") } }
        /// `  12 × kill -9`
        var faults: [Substring] { output.compactMap { line in line.split(separator: " × ").dropFirst().first } }
    }

    static func run(_ arguments: String...) async throws -> Run {
        let program = SimulationTests.setting("SLUICE_SIMULATION") ?? folder + "/sluice-simulation"
        let child = try ChildProcess([program] + arguments)
        var output: [String] = []
        while case let line = await child.readLine(), !line.isEmpty { output.append(line) }
        return Run(status: await child.exit(), output: output)
    }

    private static var folder: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = max(0, readlink("/proc/self/exe", &buffer, buffer.count))
        let path = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
    }
}
