import Events
import Hummingbird
import Logging
import Salesforce
import ServiceLifecycle

/// Waits on the loopback interface for the browser to come back with its answer, once.
struct LoopbackListener: Sendable {
    private static let page = """
        <!doctype html><meta charset="utf-8"><title>Sluice</title>
        <p>Salesforce has answered. You can close this window and go back to the terminal.</p>
        """
    /// For the answer to the browser to be sent.
    private static let patience: Duration = .seconds(2)

    private let host: String
    private let port: Int
    private let path: String

    /// - Parameter callback: `http://localhost:1717/callback`
    init(callback: String) throws(SetupError) {
        let rest = callback.split(separator: "//", maxSplits: 1).last ?? ""
        let authority = rest.prefix { $0 != "/" }.split(separator: ":")
        guard authority.count == 2, let port = Int(authority[1]) else {
            throw SetupError(
                "'\(callback)' has no port", fix: "Write auth.refreshToken.callback as http://localhost:1717/callback.")
        }
        // Browsers try 127.0.0.1 as well for `localhost`.
        host = "127.0.0.1"
        self.port = port
        let path = rest.drop { $0 != "/" }
        self.path = path.isEmpty ? "/" : String(path)
    }

    /// - Parameter ready: called once the port is open.
    /// - Returns: the query of the callback; nil if nobody came in time.
    func query(within patience: Duration, ready: @escaping @Sendable () -> Void) async throws(SetupError) -> String? {
        let (queries, continuation) = AsyncThrowingStream<String, any Error>.makeStream(
            bufferingPolicy: .bufferingNewest(1))
        let group = group(continuation, ready)
        let server = Task {
            do { try await group.run() } catch { continuation.finish(throwing: error) }
        }
        let timer = Task {
            try await TimeSource.system.sleep(patience)
            continuation.finish()
        }
        defer { timer.cancel() }
        do {
            var iterator = queries.makeAsyncIterator()
            let query = try await iterator.next()
            await group.triggerGracefulShutdown()
            await server.value
            return query
        } catch {
            throw SetupError(
                "cannot listen on \(host):\(port) for the browser: \(error)",
                fix: "End what uses the port, or set another in auth.refreshToken.callback and in the app.")
        }
    }

    private func group(
        _ continuation: AsyncThrowingStream<String, any Error>.Continuation, _ ready: @escaping @Sendable () -> Void
    ) -> ServiceGroup {
        let quiet = Logger(label: "sluice.login") { _ in SwiftLogNoOpLogHandler() }
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { [path] request, _ in
                guard request.uri.path == path, let query = request.uri.query else {
                    return Response(status: .notFound)
                }
                continuation.yield(query)
                return Response(
                    status: .ok, headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-store"],
                    body: .init(byteBuffer: .init(string: Self.page)))
            }, configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
            onServerRunning: { _ in ready() }, logger: quiet)
        var configuration = ServiceGroupConfiguration(services: [.init(service: application)], logger: quiet)
        configuration.maximumGracefulShutdownDuration = Self.patience
        return ServiceGroup(configuration: configuration)
    }
}
