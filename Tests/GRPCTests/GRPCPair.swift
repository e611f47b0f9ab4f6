import HTTP2

@testable import GRPC

/// A gRPC client and a server that talk in memory.
final class GRPCPair {
    let client: GRPCClientSession
    let server: GRPCServerSession
    var clientEvents: [GRPCClientSession.Event] = []
    var serverEvents: [GRPCServerEvent] = []

    init(
        configuration: GRPCConfiguration = GRPCConfiguration(),
        limits: GRPCServerSession.Limits = GRPCServerSession.Limits()
    ) {
        client = GRPCClientSession(
            endpoint: GRPCEndpoint(host: "localhost", port: 1, plaintext: true), configuration: configuration)
        server = GRPCServerSession(limits: limits)
    }

    /// An RPC that the server knows of.
    func start() throws -> Int32 {
        let stream = try client.start(path: "/s/M", metadata: [:], timeout: nil)
        try exchange()
        return stream
    }

    func exchange(chunk: Int = 1 << 20) throws {
        while true {
            let up = try client.bytesToSend(limit: 1 << 20)
            for piece in up.pieces(of: chunk) { serverEvents += try server.receive(piece) }
            let down = server.bytesToSend()
            for piece in down.pieces(of: chunk) {
                try piece.withUnsafeBytes { clientEvents += try client.receive($0) }
            }
            clientEvents += client.takeEvents()
            guard !up.isEmpty || !down.isEmpty else { return }
        }
    }

    func messages(of stream: Int32) -> [[UInt8]] {
        clientEvents.flatMap { event -> [[UInt8]] in
            guard case .messages(stream, let messages) = event else { return [] }
            return messages
        }
    }

    func initialMetadata(of stream: Int32) -> GRPCMetadata? {
        for case .initialMetadata(stream, let metadata) in clientEvents { return metadata }
        return nil
    }

    func result(of stream: Int32) -> Result<GRPCMetadata, GRPCError>? {
        for case .finished(stream, let result) in clientEvents { return result }
        return nil
    }

    func error(of stream: Int32) -> GRPCError? {
        guard case .failure(let error)? = result(of: stream) else { return nil }
        return error
    }
}

extension [UInt8] {
    func pieces(of size: Int) -> [[UInt8]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
