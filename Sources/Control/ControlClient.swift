import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix
import Relay

/// Asks the running daemon.
package struct ControlClient: Sendable {
    /// Of an answer.
    static let maximumAnswerBytes = 256 << 20
    /// Of one line of a stream.
    static let maximumLineBytes = 64 << 20

    private let socket: ControlSocket

    package init(_ socket: ControlSocket) { self.socket = socket }

    package var isListening: Bool { socket.isListening }

    /// - Throws: `.environment` if this user may not ask a relay there.
    package func checkAccess() throws(ControlError) {
        guard socket.isForbidden else { return }
        throw ControlError(
            .environment, "this user may not look into \(socket.folder), where a relay would listen: ask as the relay's own user.")
    }

    /// - Throws: what the route threw; `.environment` if nobody answers.
    package func answer<Request: Encodable, Answer: Decodable>(
        route: String, _ request: Request, as _: Answer.Type = Answer.self
    ) async throws(ControlError) -> Answer {
        guard let body = try? JSONEncoder().encode(request) else {
            preconditionFailure("a request of \(route) has no JSON form")
        }
        let bytes = try await answer(route: route, Array(body))
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(bytes))
        } catch {
            throw ControlError(
                .failed, "\(route): the running relay answers in another form than this version of sluice expects")
        }
    }

    /// JSON in, JSON out.
    package func answer(route: String, _ request: [UInt8]) async throws(ControlError) -> [UInt8] {
        var bytes: [UInt8] = []
        try await exchange(route, request) { part in
            guard bytes.count + part.count <= Self.maximumAnswerBytes else {
                throw ControlError(.failed, "\(route): the answer is larger than \(Self.maximumAnswerBytes >> 20) MiB")
            }
            bytes += part
            return true
        }
        return bytes
    }

    /// Calls `take` with each line of a stream until it returns false, or the relay ends.
    package func lines(
        of stream: String, _ request: some Encodable, _ take: ([UInt8]) throws -> Bool
    ) async throws(ControlError) {
        guard let body = try? JSONEncoder().encode(request) else {
            preconditionFailure("a request of \(stream) has no JSON form")
        }
        var rest: [UInt8] = []
        try await exchange(stream, Array(body)) { part in
            rest += part
            var start = 0
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                if end > start, try !take(Array(rest[start..<end])) { return false }
                start = end + 1
            }
            rest.removeFirst(start)
            guard rest.count <= Self.maximumLineBytes else {
                throw ControlError(.failed, "\(stream): a line is longer than \(Self.maximumLineBytes >> 20) MiB")
            }
            return true
        }
    }

    // MARK: HTTP

    private typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    /// - Parameter take: gets the body of a good answer, piece by piece; returns false when it has enough.
    private func exchange(
        _ route: String, _ body: [UInt8], _ take: ([UInt8]) throws -> Bool
    ) async throws(ControlError) {
        do {
            try await connected().executeThenClose { inbound, outbound in
                try await outbound.write(.head(Self.head(route, body.count)))
                try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: body))))
                try await outbound.write(.end(nil))
                try await Self.read(route, inbound, take)
            }
        } catch let error as ControlError {
            throw error
        } catch {
            throw ControlError(.environment, "the running relay broke off '\(route)': \(error)")
        }
    }

    private static func read(
        _ route: String, _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>, _ take: ([UInt8]) throws -> Bool
    ) async throws {
        var isGood = true
        var problem: [UInt8] = []
        for try await part in inbound {
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

    private func connected() async throws -> Channel {
        guard let descriptor = socket.connected() else {
            throw ControlError(.environment, "no relay answers at \(socket.path)")
        }
        return try await ClientBootstrap(group: LocalServer.group).withConnectedSocket(descriptor) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                return try Channel(wrappingChannelSynchronously: channel)
            }
        }
    }
}
