import Foundation

/// `sluice-bench avro [--vectors DIR] [--peer FILE]`: ratios against a Python peer on the same machine, in the same run.
/// The interpreter is `SLUICE_PYTHON`, else `python3`; it needs fastavro and orjson.
let arguments = CommandLine.arguments
guard arguments.count > 1, arguments[1] == "avro" else {
    print("usage: sluice-bench avro [--vectors DIR] [--peer FILE]")
    exit(2)
}

func option(_ name: String, default fallback: String) -> String {
    guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return fallback }
    return arguments[index + 1]
}

do {
    let bench = AvroBench(
        python: ProcessInfo.processInfo.environment["SLUICE_PYTHON"] ?? "python3",
        peer: option("--peer", default: "Tests/Interop/bench_peer.py"),
        vectors: option("--vectors", default: "../shared/vectors"))
    exit(try bench.run() ? 0 : 1)
} catch {
    FileHandle.standardError.write(Data("sluice-bench: \(error)\n".utf8))
    exit(3)
}
