import Foundation

/// `sluice-bench avro [--vectors DIR] [--peer FILE]`: decoding, against fastavro and orjson on the same payloads.
/// `sluice-bench receive [--peer FILE]`: receiving and decoding 100,000 events over TLS, against grpcio and fastavro.
///
/// `sluice-bench rules [--shape NAME,…] [--maximum RULES] [--every-event]`: matching, loading and editing rules, with the
/// bars of their design; all shapes up to 100,000 rules unless it is told otherwise.
///
/// Ratios of CPU time, both sides in the same run on the same machine. The interpreter is `SLUICE_PYTHON`, else `python3`;
/// it needs what Tests/Interop/requirements.txt names.
let arguments = CommandLine.arguments

func option(_ name: String, default fallback: String) -> String {
    guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return fallback }
    return arguments[index + 1]
}

let python = ProcessInfo.processInfo.environment["SLUICE_PYTHON"] ?? "python3"

do {
    switch arguments.dropFirst().first {
    case "avro":
        let bench = AvroBench(
            python: python, peer: option("--peer", default: "Tests/Interop/bench_peer.py"),
            vectors: option("--vectors", default: "../shared/vectors"))
        exit(try bench.run() ? 0 : 1)
    case "receive":
        let bench = ReceiveBench(python: python, peer: option("--peer", default: "Tests/Interop/bench_receive.py"))
        exit(try await bench.run() ? 0 : 1)
    case "rules":
        var bench = RulesBench()
        let names = option("--shape", default: "").split(separator: ",")
        bench.shapes = names.compactMap { RulesShape(rawValue: String($0)) }
        bench.maximumSize = Int(option("--maximum", default: "")) ?? bench.maximumSize
        bench.checksAll = arguments.contains("--every-event")
        exit(try bench.run() ? 0 : 1)
    default:
        print("usage: sluice-bench avro [--vectors DIR] [--peer FILE] | receive [--peer FILE] | rules [--shape NAME]")
        exit(2)
    }
} catch {
    FileHandle.standardError.write(Data("sluice-bench: \(error)\n".utf8))
    exit(3)
}
