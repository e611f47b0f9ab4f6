import Foundation

/// A peer in Python that a test starts and stops.
///
/// It prints one JSON line when it is ready, may be told things by lines on its stdin, and ends when stdin does.
package final class PeerProcess: Sendable {
    private let child: ChildProcess
    package let facts: [String: String]
    package var port: Int { Int(facts["port"] ?? "") ?? 0 }

    /// - Parameter script: a file in `peers`.
    package init(_ script: String, _ arguments: [String] = []) async throws {
        let path = Self.peers.appendingPathComponent(script).path
        child = try ChildProcess([Self.python, "-B", path] + arguments)
        let line = await child.readLine()
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        facts = object.mapValues { "\($0)" }
    }

    /// Runs a test with a peer that ends with it.
    package static func with<Result>(
        _ script: String, _ arguments: [String] = [], _ body: (PeerProcess) async throws -> Result
    ) async throws -> Result {
        let peer = try await PeerProcess(script, arguments)
        do {
            let result = try await body(peer)
            await peer.stop()
            return result
        } catch {
            await peer.stop()
            throw error
        }
    }

    /// Says something and waits for the line in answer.
    @discardableResult package func tell(_ command: String) async -> String {
        child.write(command)
        return await child.readLine()
    }

    /// Without a farewell, so the files that it made are ours to remove.
    package func stop() async {
        await child.end()
        if let folder = facts["folder"] { try? FileManager.default.removeItem(atPath: folder) }
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
