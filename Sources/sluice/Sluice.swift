import ArgumentParser
import Events
import Glibc

@main
struct Sluice: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "Relays Salesforce events to FlowMate, integrator.io and webhooks, as rule files say.",
        discussion: """
            Exit codes: 0 done, 1 failed, 2 bad input or configuration (so is naming what is not there), 3 network, \
            credentials or machine.
            """,
        version: version,
        subcommands: [
            RunCommand.self, DemoCommand.self, EmulateCommand.self, InitCommand.self, DoctorCommand.self,
            StatusCommand.self, TopCommand.self, TapCommand.self, EventCommand.self, RulesCommand.self,
            DestinationCommand.self, DeadLetterCommand.self, ReplayCommand.self, BackfillCommand.self, CursorCommand.self, SalesforceCommand.self,
            FlowMateCommand.self, IntegratorCommand.self, DecodeCommand.self,
        ])

    static func main() async {
        // A reader that goes away (`sluice decode | head`) is an error of that write, not the end of the relay.
        signal(SIGPIPE, SIG_IGN)
        CoreFiles.forbid()
        do {
            try CommandNames.check(Array(CommandLine.arguments.dropFirst()), of: Self.self)
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            Terminal.leave(0)
        } catch let failure as CommandFailure {
            if !failure.message.isEmpty { Terminal.error.write("sluice: \(failure.message)\n") }
            Terminal.leave(failure.code.rawValue)
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            if !text.isEmpty { (code.isSuccess ? Terminal.output : Terminal.error).write(text + "\n") }
            Terminal.leave(code == .validationFailure ? CommandFailure.Code.badInput.rawValue : code.rawValue)
        }
    }
}

/// Ends a command with one message and one of the documented exit codes.
struct CommandFailure: Error {
    enum Code: Int32 {
        case failed = 1
        case badInput = 2
        case environment = 3
    }

    let code: Code
    /// Empty if everything was said already.
    let message: String

    init(_ code: Code, _ message: String = "") {
        self.code = code
        self.message = message
    }

    /// A failure in its own words, and then what to do about it.
    init(_ code: Code, _ failure: some CustomStringConvertible, advice: String) {
        let said = "\(failure)"
        self.init(code, advice.isEmpty ? said : "\(said.withoutFullStop).\(advice)")
    }
}
