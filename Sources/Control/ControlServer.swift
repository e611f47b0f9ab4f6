import FoundationEssentials
import Hummingbird
import NIOCore
import Relay

/// Answers the commands while the daemon runs: `POST /<route>` with JSON, over the control socket.
package struct ControlServer: Sendable {
    /// Of a request's body: `dlq edit` sends a whole payload.
    static let maximumRequestBytes = 16 << 20

    private let socket: ControlSocket
    private let server: LocalServer

    /// Returns once it listens. Only for who holds the store's lock.
    ///
    /// - Throws: `ControlError`.
    package static func start(
        _ socket: ControlSocket, routes: [ControlRoute], streams: [ControlStream] = []
    ) async throws -> ControlServer {
        let table = RouteTable(routes: routes, streams: streams)
        try socket.prepare()
        do {
            let server = try await socket.withAddress { address in
                try await LocalServer.start(.unixDomainSocket(path: address)) { try await table.respond($0) }
            }
            try socket.protect()
            return ControlServer(socket: socket, server: server)
        } catch let error as ControlError {
            throw error
        } catch {
            throw ControlError(.environment, "cannot listen at \(socket.path): \(error)")
        }
    }

    package func stop() async {
        socket.remove()
        await server.stop()
    }
}

/// Finds the route of a request, and puts its answer into HTTP.
private struct RouteTable: Sendable {
    private let routes: [String: ControlRoute]
    private let streams: [String: ControlStream]

    init(routes: [ControlRoute], streams: [ControlStream]) {
        self.routes = Dictionary(routes.map { ($0.name, $0) }) { _, _ in preconditionFailure("a route stands twice") }
        self.streams = Dictionary(streams.map { ($0.name, $0) }) { _, _ in preconditionFailure("a stream stands twice") }
    }

    func respond(_ request: Request) async throws -> Response {
        var request = request
        do {
            let name = String(request.uri.path.drop { $0 == "/" })
            guard request.method == .post else {
                throw ControlError(.badInput, "the control socket takes POST /<route> with JSON")
            }
            let body = try await Self.body(of: &request)
            if let stream = streams[name] { return try await Self.response(stream, body, request) }
            guard let route = routes[name] else {
                throw ControlError(.failed, "the running relay does not know '\(name)': is it an older version?")
            }
            return Self.json(.ok, try await route.answer(body))
        } catch let error as ControlError {
            return Self.json(.badRequest, Array((try? JSONEncoder().encode(error)) ?? Data()))
        }
    }

    private static func body(of request: inout Request) async throws -> [UInt8] {
        do {
            return Array(try await request.collectBody(upTo: ControlServer.maximumRequestBytes).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw ControlError(
                .badInput, "the request is larger than \(ControlServer.maximumRequestBytes >> 20) MiB")
        }
    }

    private static func json(_ status: HTTPResponse.Status, _ bytes: [UInt8]) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// Writes at the reader's pace, and ends when the reader is gone.
    private static func response(
        _ stream: ControlStream, _ body: [UInt8], _ request: Request
    ) async throws -> Response {
        let lines = try await stream.open(body)
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson"],
            body: ResponseBody { writer in
                // Says at once that the stream is open.
                try await writer.write(ByteBuffer(string: "\n"))
                try await request.body.consumeWithCancellationOnInboundClose { _ in
                    for await line in lines { try await writer.write(ByteBuffer(bytes: line + [UInt8(ascii: "\n")])) }
                }
                try await writer.finish(nil)
            })
    }
}
