import Avro
import ChangeEvents
import Events
import Foundation

/// Decoding against fastavro (and orjson): the same payload file on both sides, CPU time of the process, best of
/// `passes`.
struct AvroBench {
    let python: String
    let peer: String
    /// Folder of captured events; without it only generated ones are measured.
    let vectors: String

    static let passes = 9
    /// What the main job asks for.
    static let decodeBar = 50.0
    static let jsonBar = 30.0

    struct Workload {
        var name: String
        var schema: Schema
        var payloads: [[UInt8]]

        var meanBytes: Int { payloads.reduce(0) { $0 + $1.count } / max(payloads.count, 1) }
    }

    /// - Returns: whether both bars hold for every workload.
    func run() throws -> Bool {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-bench-\(getpid()).json").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        _ = try callPeer(["write", file, vectors])
        let theirs = try peerResults(try callPeer(["run", file]))
        var holds = true
        for workload in try workloads(file) {
            guard let peer = theirs[workload.name] else { throw BenchError(reason: "no peer result") }
            holds = try report(workload, decode: peer.decode, json: peer.json) && holds
        }
        return holds
    }

    // MARK: Measuring

    private func report(_ workload: Workload, decode: Double, json: Double) throws -> Bool {
        print("\n\(workload.name): \(workload.payloads.count) events of \(workload.meanBytes) bytes")
        print(row("", "ns/event", "ratio", ""))
        print(row("fastavro schemaless_reader", nanoseconds(decode), "", ""))
        print(row("fastavro + orjson", nanoseconds(json), "", ""))
        var holds = true
        for (name, seconds, bar) in try measurements(workload) {
            let ratio = (bar == Self.jsonBar ? json : decode) / seconds
            let verdict = bar == 0 ? "" : ratio >= bar ? "≥ \(Int(bar)) ok" : "below \(Int(bar))"
            if bar > 0, ratio < bar { holds = false }
            print(row(name, nanoseconds(seconds), String(format: "%.1f", ratio), verdict))
        }
        return holds
    }

    /// Name, seconds per event, and the bar the ratio has to reach (0: shown only).
    private func measurements(_ workload: Workload) throws -> [(String, Double, Double)] {
        let decoder = AvroDecoder(workload.schema)
        let schema = try EventSchema(workload.schema, id: workload.schema.fingerprint)
        let events = EventDecoder(org: Org(id: "00D000000000001EAA", alias: "bench", instanceURL: "", isSandbox: false))
        let consumer = workload.payloads.map {
            ConsumerEvent(id: "bench", schemaID: schema.id, replayID: ReplayID([1])!, payload: $0)
        }
        var output = JSONBuffer(capacity: 1 << 16)
        return [
            ("every value read and checked, none kept", try best(workload) { try decoder.check($0) }, Self.decodeBar),
            ("scan: place of every field", try best(workload) { _ = try decoder.scan($0) }, Self.decodeBar),
            (
                "an Event: scan, header, names of changes",
                try best(consumer) {
                    blackHole(try events.decode($0, schema: schema, topic: "/data/ChangeEvents", receivedAt: 0))
                }, 0
            ),
            (
                "an Event, and all that its record tells",
                try best(consumer) {
                    let event = try events.decode($0, schema: schema, topic: "/data/ChangeEvents", receivedAt: 0)
                    blackHole(event[0].record.known())
                }, 0
            ),
            ("every field as a tree of Values", try best(workload) { blackHole(try decoder.value($0)) }, 0),
            (
                "to JSON",
                try best(workload) {
                    output.removeAll()
                    try decoder.appendJSON($0, to: &output)
                }, Self.jsonBar
            ),
        ]
    }

    private func best(_ workload: Workload, _ work: ([UInt8]) throws -> Void) rethrows -> Double {
        try best(workload.payloads, work)
    }

    /// CPU seconds per element.
    private func best<Element>(_ elements: [Element], _ work: (Element) throws -> Void) rethrows -> Double {
        var best = Double.infinity
        for _ in 0..<Self.passes {
            let start = cpuSeconds()
            for _ in 0..<10 { for element in elements { try work(element) } }
            best = min(best, cpuSeconds() - start)
        }
        return best / Double(10 * elements.count)
    }

    private func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Keeps the optimizer from leaving out work whose result nobody uses.
    @inline(never)
    private func blackHole<T>(_ value: T) {}

    // MARK: The peer

    private func callPeer(_ arguments: [String]) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python, peer] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchError(reason: "\(python) \(peer) \(arguments[0]) failed; it needs fastavro and orjson")
        }
        return [UInt8](output)
    }

    private func peerResults(_ text: [UInt8]) throws -> [String: (decode: Double, json: Double)] {
        guard case .record(let results) = try JSONReader.parse(text) else { throw BenchError(reason: "peer output") }
        var numbers: [String: (Double, Double)] = [:]
        for result in results.fields {
            guard case .record(let times) = result.value, case .double(let decode) = times["decode"],
                case .double(let json) = times["json"]
            else { throw BenchError(reason: "peer output") }
            numbers[result.name] = (decode, json)
        }
        return numbers
    }

    private func workloads(_ path: String) throws -> [Workload] {
        guard case .list(let list) = try JSONReader.parse([UInt8](Data(contentsOf: URL(fileURLWithPath: path)))) else {
            throw BenchError(reason: "payload file")
        }
        return try list.map { item in
            guard case .record(let fields) = item, case .string(let name) = fields["name"],
                let schema = fields["schema"], case .list(let payloads) = fields["payloads"]
            else { throw BenchError(reason: "payload file") }
            return Workload(
                name: name, schema: try Schema(schema),
                payloads: payloads.compactMap { if case .string(let text) = $0 { Hex.decode(text) } else { nil } })
        }
    }

    // MARK: The table

    private func nanoseconds(_ seconds: Double) -> String { String(format: "%.0f", seconds * 1e9) }

    private func row(_ name: String, _ time: String, _ ratio: String, _ verdict: String) -> String {
        func padded(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        return "  " + name + String(repeating: " ", count: max(0, 44 - name.count)) + padded(time, 10)
            + padded(ratio, 9) + "  " + verdict
    }
}

struct BenchError: Error, CustomStringConvertible {
    var reason: String
    var description: String { reason }
}
