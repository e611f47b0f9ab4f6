import Hummingbird
import Logging
import NIOCore
import NIOPosix
import Relay
import ServiceLifecycle

/// An HTTP/1.1 server with few connections: the control socket, and the console.
struct LocalServer: Sendable {
    /// Further connections wait in the system's queue.
    static let maximumConnections = 32
    /// A connection that asks nothing for so long is closed.
    static let idleTimeout = TimeAmount.seconds(60)
    /// What a stop waits for requests under way.
    static let patience: Duration = .seconds(2)
    /// One thread is plenty for what is asked here. It lives as long as the process.
    static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    typealias Respond = @Sendable (Request) async throws -> Response

    /// For addresses with a port: the one that was taken.
    let port: Int?
    private let service: ServiceGroup
    private let task: Task<Void, Never>

    /// Returns once it listens.
    static func start(_ address: BindAddress, _ respond: @escaping Respond) async throws -> LocalServer {
        let (ports, continuation) = AsyncThrowingStream<Int?, any Error>.makeStream()
        // All that the server has to say is that it starts and stops; failing to start comes as an error.
        let quiet = Logger(label: "control") { _ in SwiftLogNoOpLogHandler() }
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in try await respond(request) },
            server: .http1(configuration: .init(idleTimeout: idleTimeout)),
            configuration: ApplicationConfiguration(
                address: address, availableConnectionsDelegate: .maximum(maximumConnections, logger: quiet)),
            onServerRunning: { continuation.yield($0.localAddress?.port) },
            eventLoopGroupProvider: .shared(group), logger: quiet)
        var configuration = ServiceGroupConfiguration(services: [.init(service: application)], logger: quiet)
        configuration.maximumGracefulShutdownDuration = patience
        let service = ServiceGroup(configuration: configuration)
        let task = Task {
            do {
                try await service.run()
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        for try await port in ports { return LocalServer(port: port, service: service, task: task) }
        throw ControlError(.environment, "the server ended at once")
    }

    /// Returns when nothing listens any more and the last request has ended, or was broken off.
    func stop() async {
        await service.triggerGracefulShutdown()
        await task.value
    }
}
