import Glibc
import Hummingbird
import NIOCore
import Relay

/// `/metrics`, `/healthz` and `/readyz` for monitoring. Shows names and numbers, never what events say.
package struct ConsoleServer: Sendable {
    package let port: Int
    private let server: LocalServer

    /// Returns once it listens.
    ///
    /// - Parameter port: 0 for any free one.
    package static func start(
        host: String, port: Int, console: RelayConsole
    ) async throws(ControlError) -> ConsoleServer {
        do {
            let server = try await LocalServer.start(.hostname(host, port: port)) { request in
                guard request.method == .get || request.method == .head else {
                    return Response(status: .methodNotAllowed, headers: [.allow: "GET, HEAD"])
                }
                let answer = await console.answer(request.uri.path)
                return Response(
                    status: .init(code: answer.status), headers: [.contentType: answer.contentType],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: answer.body)))
            }
            return ConsoleServer(port: server.port ?? port, server: server)
        } catch {
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)).lowercased() } ?? "\(error)"
            throw ControlError(
                .environment,
                "cannot listen at \(host):\(port) for /metrics: \(reason). Choose another address in console.listen.")
        }
    }

    package func stop() async { await server.stop() }
}
