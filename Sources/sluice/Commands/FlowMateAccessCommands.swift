import ArgumentParser
import Events
import FlowMate

/// A token, shown only to who asks for it.
struct FlowMateTokenOutput: ParsableArguments {
    @Flag(help: "Print the token itself.") var showToken = false

    func write(_ token: FlowMateToken, json: Bool, said: String) {
        let id = token.id.map(Value.string) ?? .null
        let text: Value = showToken ? .string(token.token.exposed) : .string("hidden")
        if json { return Terminal.output.write(jsonLine(.record(["id": id, "token": text]))) }
        Terminal.output.write("\(said)\(token.id.map { " ID \($0)." } ?? "")\n")
        if showToken { Terminal.output.write(token.token.exposed + "\n") }
    }
}

struct FlowMateImpersonateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "impersonate", abstract: "Gets a token that acts for one user.",
        discussion: "FlowMate makes a user of every name that it does not know. So the user is looked up first, and a "
            + "new name needs --create.")

    @OptionGroup var options: FlowMateOptions
    @OptionGroup var output: FlowMateTokenOutput
    @Argument(help: "The user, by the ID that your system gave.") var user: String
    @Flag(help: "Let FlowMate make the user if there is none.") var create = false

    func run() async throws {
        let client = try options.client()
        let known = try await flowMateAnswer { () throws(FlowMateError) in try await client.user(named: user) }
        guard known != nil || create else {
            throw CommandFailure(
                .badInput,
                "FlowMate has no user '\(user)', and impersonating would make one; add --create if that is meant")
        }
        // The name as FlowMate keeps it: another spelling could be another user.
        let name = known?.username ?? user
        let token = try await flowMateAnswer { () throws(FlowMateError) in
            try await client.impersonate(creatingIfNew: name)
        }
        output.write(token, json: options.json, said: known == nil ? "Made user '\(user)'." : "Acting for '\(name)'.")
    }
}

struct FlowMateLoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Signs in with user name and password, and shows what came of it.",
        discussion: "The token lives a few hours since its last use; for a relay, ask FlowMate for a persistent one.")

    @OptionGroup var options: FlowMateOptions
    @OptionGroup var output: FlowMateTokenOutput
    @Argument(help: "User name.") var user: String
    @Option(help: "The variable (of the environment or .env) that holds the password.") var passwordEnv: String

    func run() async throws {
        let destination = try options.platform.destination(.flowmate)
        let client = try options.client(of: destination)
        let password = try destination.secret(env: passwordEnv)
        let token = try await flowMateAnswer { () throws(FlowMateError) in
            try await client.logIn(username: user, password: password)
        }
        output.write(token, json: options.json, said: "Signed in as '\(user)'.")
    }
}

struct FlowMateTokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Keeps tokens alive, and makes them.", subcommands: [Refresh.self, Create.self])

    struct Refresh: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Puts off the expiry of the destination's token.")

        @OptionGroup var options: FlowMateOptions

        func run() async throws {
            let client = try options.client()
            let token = try await flowMateAnswer { () throws(FlowMateError) in try await client.refreshToken() }
            let isSame = client.settings.credential?.exposed.hasSuffix(token.token.exposed) == true
            if options.json { return Terminal.output.write(jsonLine(.record(["sameToken": .bool(isSame)]))) }
            Terminal.output.write(
                isSame ? "The token lives on.\n" : "FlowMate gave another token than the destination's.\n")
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a token that does not expire.")

        @OptionGroup var options: FlowMateOptions
        @OptionGroup var output: FlowMateTokenOutput
        @Argument(help: "The account it is for, by FlowMate's own ID.") var account: String
        @Option(help: "What it is for.") var description = "Sluice"

        func run() async throws {
            let client = try options.client()
            let token = try await flowMateAnswer { () throws(FlowMateError) in
                try await client.createToken(account: account, description: description)
            }
            output.write(token, json: options.json, said: "Made a token for account \(account).")
        }
    }
}
