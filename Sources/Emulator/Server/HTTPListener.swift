import Hummingbird
import Logging
import ServiceLifecycle

/// The HTTP/1.1 server of the emulator, on the loopback interface.
struct HTTPListener: Sendable {
    /// A request that takes longer than this to end is cut off when the server stops.
    static let patience: Duration = .seconds(2)

    let port: Int
    private let group: ServiceGroup
    private let task: Task<Void, Never>

    /// Returns once it listens.
    ///
    /// - Parameter port: 0 for any free one.
    static func start(_ front: HTTPFront, port: Int) async throws(EmulatorError) -> HTTPListener {
        let (ports, continuation) = AsyncThrowingStream<Int, any Error>.makeStream()
        // All that the server has to say is that it starts and stops; failing to start comes as an error.
        let quiet = Logger(label: "emulator.http") { _ in SwiftLogNoOpLogHandler() }
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in try await front.respond(to: request) },
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: { continuation.yield($0.localAddress?.port ?? port) }, logger: quiet)
        var configuration = ServiceGroupConfiguration(services: [.init(service: application)], logger: quiet)
        configuration.maximumGracefulShutdownDuration = patience
        let group = ServiceGroup(configuration: configuration)
        let task = Task {
            do {
                try await group.run()
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        do {
            for try await port in ports { return HTTPListener(port: port, group: group, task: task) }
        } catch {
            throw .listening("HTTP", port: port, error)
        }
        throw .cannotListen(what: "HTTP", port: port, reason: "the server ended at once")
    }

    /// Returns when the port is closed and the last request has ended.
    func stop() async {
        await group.triggerGracefulShutdown()
        await task.value
    }
}
