import ArgumentParser
import Curl
import FlowMate
import Relay
import Rules

/// Which FlowMate, and where it keeps things.
struct FlowMateOptions: ParsableArguments {
    @OptionGroup var platform: PlatformOptions
    @Option(
        name: .customLong("path"),
        help: ArgumentHelp(
            "Where this FlowMate keeps something, as NAME=PATH: users=/api/users. May be repeated; else 'paths' holds.",
            discussion: "Names: flows, webhooks, users, impersonate, login, tokens, executions."))
    var paths: [String] = []
    @Flag(help: "Print JSON.") var json = false

    /// A client of the destination.
    func client() throws -> FlowMateClient {
        try client(of: platform.destination(.flowmate))
    }

    func client(of destination: PlatformDestination) throws -> FlowMateClient {
        var settings = try destination.access(PlatformAccess.flowMate)
        for path in paths { try Self.set(path, in: &settings.paths) }
        return FlowMateClient(settings: settings, http: destination.environment.http)
    }

    private static func set(_ text: String, in paths: inout FlowMateSettings.Paths) throws {
        let pair = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard pair.count == 2, pair[1].hasPrefix("/"), let path = FlowMateSettings.Paths.named(pair[0]) else {
            throw CommandFailure(.badInput, "--path '\(text)' is not NAME=/PATH with a name that --help lists")
        }
        paths[keyPath: path] = pair[1].hasSuffix("/") ? String(pair[1].dropLast()) : pair[1]
    }
}

/// Ends the command in plain words if FlowMate does not answer as wished.
func flowMateAnswer<Answer>(_ call: () async throws(FlowMateError) -> Answer) async throws -> Answer {
    do throws(FlowMateError) {
        return try await call()
    } catch {
        let advice =
            switch error.status {
            case 401:
                " Is the token right and still valid? FlowMate also answers so while its identity service is down."
            case 403: " The token lacks the permission for it."
            case 404 where error.text.contains("flow"): " Is the ID right? `sluice flowmate flows` lists them."
            case 404: " Is baseUrl right, or does this FlowMate keep it under another --path?"
            case 502, 503, 504: " It, or a gateway before it, is not well: try again later."
            default: error.transport.map { " " + DestinationCheck.advice($0.kind) } ?? ""
            }
        throw CommandFailure(error.exitCode, error, advice: advice)
    }
}

extension FlowMateError {
    fileprivate var transport: TransportError? {
        if case .transport(let error) = cause { error } else { nil }
    }

    fileprivate var exitCode: CommandFailure.Code {
        switch cause {
        case .input, .status(404): .badInput
        case .transport, .unreadable, .tooLarge: .environment
        case .status(401), .status(403), .status(429): .environment
        // A malformed ID is answered with 500; the network is not to blame for it.
        case .status(let status): status >= 501 ? .environment : .failed
        }
    }
}
