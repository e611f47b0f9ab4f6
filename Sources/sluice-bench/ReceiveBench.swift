import ChangeEvents
import Curl
import Events
import Foundation
import GRPC
import PubSub
import Salesforce

/// Subscribe, receive and decode one topic over TLS, as the relay does it, and what that costs in CPU time.
///
/// The peer serves the events, measures grpcio with fastavro on the same stream, and says where it listens.
struct ReceiveBench {
    /// CPU seconds for 100,000 events, the bar of the product.
    static let bar = 0.25

    let python: String
    let peer: String

    private struct Peer: Decodable {
        var host: String
        var port: Int
        var ca: String
        var token: String
        var instanceURL: String
        var orgID: String
        var topic: String
        var events: Int
        /// CPU seconds of the Python client.
        var pythonSeconds: Double
        var payloadBytes: Double
    }

    /// - Returns: whether the bar is met.
    func run() async throws -> Bool {
        let process = Process()
        let input = Pipe()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python, peer]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        defer {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
        }
        let line = Self.line(output.fileHandleForReading)
        guard let peer = try? JSONDecoder().decode(Peer.self, from: line) else {
            throw BenchError(
                reason: "\(python) \(self.peer) failed, see above; set SLUICE_PYTHON to a python that has what "
                    + "Tests/Interop/requirements.txt names")
        }
        let seconds = try await receive(peer)
        let scaled = seconds * 100_000 / Double(peer.events)
        let ratio = peer.pythonSeconds / seconds
        print("\(peer.events) events of \(Int(peer.payloadBytes)) B on average over TLS, CPU seconds per 100,000:")
        print("  grpcio + fastavro    \(Self.text(peer.pythonSeconds * 100_000 / Double(peer.events)))")
        print("  sluice               \(Self.text(scaled))   (\(Self.text(ratio)) times less, bar \(Self.bar))")
        return scaled <= Self.bar
    }

    private func receive(_ peer: Peer) async throws -> Double {
        let endpoint = GRPCEndpoint(
            host: peer.host, port: peer.port, options: ConnectionOptions(caFile: peer.ca, proxy: ""))
        let client = PubSubClient(connection: GRPCConnection(endpoint: endpoint))
        guard let orgID = OrgID(peer.orgID) else { throw BenchError(reason: "bad org ID") }
        let session = Session(accessToken: Secret(peer.token), instanceURL: peer.instanceURL, orgID: orgID)
        let decoder = EventDecoder(
            org: Org(id: orgID.description, alias: "bench", instanceURL: peer.instanceURL, isSandbox: false))
        var schemas: [String: EventSchema] = [:]
        let stream = try await client.subscribe(session)
        var window = FetchWindow()
        let start = Self.cpuSeconds()
        try await stream.request(
            FetchRequest(topicName: peer.topic, replayPreset: .earliest, numRequested: window.open()))
        var count = 0
        while count < peer.events, let batch = try await stream.next() {
            let response = batch.response
            if let more = window.received(events: response.events.count, pending: response.pendingNumRequested) {
                try await stream.request(FetchRequest(numRequested: more))
            }
            for event in response.events {
                if schemas[event.schemaID] == nil {
                    let json = try await client.schema(event.schemaID, session).schemaJSON
                    schemas[event.schemaID] = try EventSchema(json: json, id: event.schemaID)
                }
                guard let schema = schemas[event.schemaID] else { continue }
                _ = try decoder.decode(event, schema: schema, topic: peer.topic, receivedAt: 0)
                count += 1
            }
        }
        let seconds = Self.cpuSeconds() - start
        guard count >= peer.events else { throw BenchError(reason: "the stream ended after \(count) events") }
        await stream.cancel()
        await client.close()
        return seconds
    }

    /// All threads of this process.
    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func line(_ file: FileHandle) -> Data {
        var line = Data()
        while let byte = try? file.read(upToCount: 1), !byte.isEmpty, byte.first != UInt8(ascii: "\n") { line += byte }
        return line
    }

    private static func text(_ number: Double) -> String { String(format: "%.3f", number) }
}
