import Foundation

/// A peer in another language, or another server, that a test starts and stops.
///
/// It prints one JSON line when it is ready, may be told things by lines on its stdin, and ends when stdin does.
///
/// `@unchecked`: everything is constant after `init`, and the two pipes are used by one test.
package final class PeerProcess: @unchecked Sendable {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    package let facts: [String: String]
    package var port: Int { Int(facts["port"] ?? "") ?? 0 }

    /// - Parameter script: a file in `peers`.
    package init(script: String, arguments: [String] = []) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [Self.python, Self.peers.appendingPathComponent(script).path] + arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = Self.line(of: output)
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        facts = object.mapValues { "\($0)" }
    }

    /// Says something and waits for the line in answer.
    @discardableResult package func tell(_ command: String) -> String {
        input.fileHandleForWriting.write(Data((command + "\n").utf8))
        return Self.line(of: output)
    }

    package func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    package func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    private static func line(of pipe: Pipe) -> String {
        var bytes: [UInt8] = []
        while let byte = try? pipe.fileHandleForReading.read(upToCount: 1)?.first, byte != 0x0A { bytes.append(byte) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Runs a test with a peer that ends with it.
    package static func with<Result>(
        _ script: String, _ arguments: [String] = [], _ body: (PeerProcess) async throws -> Result
    ) async throws -> Result {
        let peer = try PeerProcess(script: script, arguments: arguments)
        defer { peer.stop() }
        return try await body(peer)
    }
}

extension PeerProcess {
    package static let python = ProcessInfo.processInfo.environment["SLUICE_PYTHON"] ?? "python3"

    /// The interpreter that `SLUICE_PYTHON` names (else `python3`) has what the peers import.
    package static let hasPython = succeeds(python, ["-c", "import grpc, cryptography"])

    package static let hasTinyproxy = succeeds("tinyproxy", ["-v"])

    private static var peers: URL {
        URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("peers")
    }

    private static func succeeds(_ program: String, _ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
