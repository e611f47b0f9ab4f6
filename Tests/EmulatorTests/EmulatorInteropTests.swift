import Events
import Foundation
import Logging
import Testing

@testable import Emulator

/// The emulator against grpcio and fastavro, which know nothing of this project.
@Suite(.timeLimit(.minutes(15))) struct EmulatorInteropTests {
    static let python = ProcessInfo.processInfo.environment["SLUICE_PYTHON"]

    @Test(.enabled(if: python != nil, "set SLUICE_PYTHON to a Python with grpcio-tools and fastavro"))
    func `grpcio subscribes and fastavro reads every payload`() async throws {
        let emulator = try await EmulatorServer.start(EmulatorOptions(), logger: Logger(label: "test"))
        try await emulator.perform(.feed(600))
        let (status, output) = try await run([
            "127.0.0.1:\(emulator.grpcPort)", emulator.url, "500",
        ])
        await emulator.stop()
        #expect(status == 0, "\(output)")
        let line = try #require(output.split(separator: "\n").last)
        let result = try #require(try JSONReader.parse(String(line)).fields)
        #expect(result["schemas"] == .int(3))
        #expect(result["entities"]?.fields?.fields.count == 3)
    }

    /// Output and errors in one text, which is shown when something fails.
    private func run(_ arguments: [String]) async throws -> (Int32, String) {
        let script = URL(filePath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Interop/emulator_client.py")
        let process = Process()
        process.executableURL = URL(filePath: try #require(Self.python))
        process.arguments = [script.path] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        return (status, String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self))
    }
}
