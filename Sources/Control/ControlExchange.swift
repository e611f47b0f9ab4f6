import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix
import Relay
import Synchronization

/// One request to the relay and its answer, over a connection of its own.
final class ControlExchange: Sendable {
    /// Somebody else ended it with `giveUp`.
    struct GivenUp: Error {}

    private typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private let channel: Channel
    private let parts = Atomic<Int>(0)
    private let isGivenUp = Atomic<Bool>(false)

    /// - Parameter descriptor: connected; belongs to the exchange from now on.
    init(_ descriptor: Int32) async throws {
        channel = try await ClientBootstrap(group: LocalServer.group).withConnectedSocket(descriptor) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                return try Channel(wrappingChannelSynchronously: channel)
            }
        }
    }

    /// Parts of the answer so far: it grows while the relay says anything.
    var partCount: Int { parts.load(ordering: .relaxed) }

    /// `run` throws `GivenUp`.
    func giveUp() {
        isGivenUp.store(true, ordering: .relaxed)
        channel.channel.close(promise: nil)
    }

    /// Once.
    ///
    /// - Parameter take: gets the body of a good answer, piece by piece; returns false when it has enough.
    func run(_ route: String, _ body: [UInt8], _ take: ([UInt8]) throws -> Bool) async throws {
        do {
            try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(.head(Self.head(route, body.count)))
                try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: body))))
                try await outbound.write(.end(nil))
                try await read(route, inbound, take)
            }
        } catch where isGivenUp.load(ordering: .relaxed) {
            throw GivenUp()
        }
    }

    private func read(
        _ route: String, _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>,
        _ take: ([UInt8]) throws -> Bool
    ) async throws {
        var isGood = true
        var problem: [UInt8] = []
        for try await part in inbound {
            parts.add(1, ordering: .relaxed)
            switch part {
            case .head(let head): isGood = head.status == .ok
            case .body(let buffer) where isGood:
                guard try take(Array(buffer.readableBytesView)) else { return }
            case .body(let buffer):
                if problem.count < 1 << 20 { problem += Array(buffer.readableBytesView) }
            case .end:
                if isGood { return }
                throw (try? JSONDecoder().decode(ControlError.self, from: Data(problem)))
                    ?? ControlError(.failed, "\(route): the running relay failed to answer")
            }
        }
        throw ControlError(.environment, "the relay ended before it had answered '\(route)'")
    }

    private static func head(_ route: String, _ count: Int) -> HTTPRequestHead {
        HTTPRequestHead(
            version: .http1_1, method: .POST, uri: "/" + route,
            headers: [
                "host": "sluice", "content-type": "application/json", "content-length": "\(count)",
            ])
    }
}
