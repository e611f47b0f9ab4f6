import ArgumentParser
import Curl
import Events
import FoundationEssentials
import IntegratorIO
import Relay
import Rules

/// Which integrator.io account, and how it is spoken to where Celigo's documents leave it open.
struct IntegratorOptions: ParsableArguments {
    @OptionGroup var platform: PlatformOptions
    @Option(
        help: "The body of a run with a window: nested, topLevel or none. By default 'runBody'. See `prove-window`.")
    var runBody: RunBody.Shape?
    @Option(help: "The name under which errors are resolved: errors or errorIds. By default 'resolveKey'.")
    var resolveKey: IntegratorSettings.ResolveKey?
    @Flag(help: "Print JSON.") var json = false

    /// A client of the destination, which keeps to the account's pace.
    func client() throws -> IntegratorClient {
        let platform = try platform.destination(.integrator)
        var settings = try platform.access(PlatformAccess.integrator)
        settings.runBody = runBody ?? settings.runBody
        settings.resolveKey = resolveKey ?? settings.resolveKey
        let rate = platform.destination.rate ?? SinkFactory.integratorRate
        return IntegratorClient(
            settings: settings, http: PacedHTTP(platform.environment.http, clock: .system, rate: rate))
    }
}

extension RunBody.Shape: ExpressibleByArgument {}
extension IntegratorSettings.ResolveKey: ExpressibleByArgument {}

/// A moment as people write it: `2026-11-22`, `2026-11-22T03:00:30Z`, or epoch milliseconds.
struct MomentArgument: ExpressibleByArgument {
    let milliseconds: Int64

    init?(argument: String) {
        let isEpoch = argument.utf8.count >= 10 && argument.utf8.allSatisfy { (0x30...0x39).contains($0) }
        let found =
            isEpoch ? Int64(argument) : ISOTime.milliseconds(argument.count == 10 ? argument + "T00:00:00Z" : argument)
        guard let found else { return nil }
        milliseconds = found
    }
}

/// Ends the command in plain words if integrator.io does not answer as wished.
func integratorAnswer<Answer>(_ call: () async throws(IntegratorFailure) -> Answer) async throws -> Answer {
    do throws(IntegratorFailure) {
        return try await call()
    } catch {
        let advice =
            switch error.kind {
            case .credential: " Is the token right, not purged, and of the region of \(error.root)?"
            case .scope: " The token's scope does not cover it; flows want full access."
            case .missing: " Is the ID right, and of this account and environment?"
            case .rateLimited: " The account makes too many calls."
            case .busy: " `run --wait` waits for its place in the flow's queue."
            case _ where error.status ?? 0 >= 500: " It, or a gateway before it, is not well: try again later."
            default: error.transport.map { " " + DestinationCheck.advice($0.kind) } ?? ""
            }
        throw CommandFailure(error.exitCode, error, advice: advice)
    }
}

extension IntegratorFailure {
    fileprivate var transport: TransportError? {
        if case .transport(let error) = cause { error } else { nil }
    }

    fileprivate var exitCode: CommandFailure.Code {
        switch cause {
        case .input, .status(404): .badInput
        case .transport, .unreadable, .tooLarge, .status(401), .status(403), .status(429): .environment
        case .status(let status): status >= 500 ? .environment : .failed
        }
    }
}

/// A JSON document of a file, or of standard input for `-`.
func jsonDocument(_ path: String) throws -> Value {
    let bytes = try InputFile.read(path, maximumBytes: ReplayInput.maximumBytes, advice: "Give it in parts.")
    do throws(JSONError) {
        return try JSONReader.parse(bytes)
    } catch {
        throw CommandFailure(.badInput, "\(path): \(error)")
    }
}
