import Control
import Logging
import Relay
import Settings

/// Where a running relay can be asked: the control socket for commands, and the console for monitoring if wanted.
struct RunDoors {
    private let service: RelayService
    private let control: ControlServer?
    private let console: ConsoleServer?

    /// Routes of everything that the running relay can be asked.
    private static func routes(_ service: RelayService) -> [ControlRoute] { service.routes }

    /// A relay without a control socket still relays, so that is only a warning; an address for monitoring that is taken
    /// ends the start, since somebody counts on it.
    static func open(_ service: RelayService, _ configuration: Configuration, _ log: Logger) async throws -> RunDoors {
        var console: ConsoleServer?
        if let listen = configuration.console.listen {
            do throws(ControlError) {
                console = try await ConsoleServer.start(
                    host: listen.host, port: listen.port, console: service.console)
            } catch {
                _ = await service.stop(within: RunCommand.failedStartLimit)
                throw CommandFailure(error)
            }
            log.info("metrics at http://\(listen.host):\(console?.port ?? listen.port)/metrics")
        }
        var control: ControlServer?
        do {
            control = try await ControlServer.start(
                ControlSocket(storePath: configuration.storePath), routes: routes(service), streams: service.streams)
        } catch {
            log.warning("\(error) Commands cannot ask this relay; it runs all the same.")
        }
        return RunDoors(service: service, control: control, console: console)
    }

    /// Goes on after this time all the same.
    func close(within limit: Duration) async {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        Task {
            await close()
            end.yield()
        }
        let waiting = Task {
            try? await Task.sleep(for: limit)
            end.yield()
        }
        for await _ in ends { break }
        waiting.cancel()
    }

    func close() async {
        service.monitor.taps.close()
        await control?.stop()
        await console?.stop()
    }
}
