import ArgumentParser
import Curl
import Events
import Glibc
import Relay
import Salesforce
import Settings

struct SalesforceLoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Signs a person in by browser, and stores the refresh token, encrypted.",
        discussion: """
            For orgs with `auth: refreshToken:` in sluice.yaml. --device shows a code to type in on any other machine.
            """)

    @OptionGroup var org: SalesforceOrgOption
    @Flag(help: "Print the address only; open no browser.") var noBrowser = false
    @Flag(help: "By a code, without a browser on this machine.") var device = false
    @Flag(help: "Print JSON.") var json = false

    /// How long a person may take.
    static let patience: Duration = .seconds(600)

    func run() async throws {
        let org = try org.load()
        let refresh = try org.refreshToken()
        let login = InteractiveSignIn(
            loginURL: org.loginURL, clientID: try org.secret(refresh.clientID),
            clientSecret: try refresh.clientSecret.map { try org.secret(.reference($0)) },
            connection: org.configuration.tls.options, http: org.http)
        let result: InteractiveSignIn.Result
        do throws(SignInError) {
            result = device ? try await byDevice(login) : try await byBrowser(login, refresh.callback)
        } catch {
            throw CommandFailure(error)
        }
        try await store(result, org, refresh)
    }

    private func byDevice(_ login: InteractiveSignIn) async throws(SignInError) -> InteractiveSignIn.Result {
        let code = try await login.startDevice()
        Terminal.error.write("Open \(code.verificationURI) in any browser and type in this code: \(code.userCode)\n")
        return try await login.finish(code)
    }

    private func byBrowser(
        _ login: InteractiveSignIn, _ callback: String
    ) async throws(SignInError) -> InteractiveSignIn.Result {
        let request = login.authorization(redirectURI: callback)
        let query: String?
        do throws(SetupError) {
            query = try await LoopbackListener(callback: callback).query(within: Self.patience) { [noBrowser] in
                Terminal.error.write("Sign in at this address:\n\n  \(request.url)\n\n")
                if !noBrowser { Browser.open(request.url) }
            }
        } catch {
            throw .setup(error)
        }
        guard let query else {
            throw .setup(SetupError("nobody came back from the browser within ten minutes", fix: "Start again."))
        }
        return try await login.finish(request, code: request.code(fromCallback: query))
    }

    private func store(
        _ result: InteractiveSignIn.Result, _ org: SalesforceOrg, _ refresh: RefreshTokenConfiguration
    ) async throws {
        guard let grant = result.grant else {
            throw CommandFailure(
                .failed,
                "signed in, but the app gives no refresh token: add the scope 'refresh_token' (Perform requests "
                    + "at any time) to it, and sign in again.")
        }
        let file = refresh.store(org: org.configuration.alias, org.secrets)
        do {
            let lock = try await file.lock(.system)
            defer { lock.release() }
            try file.save(grant)
        } catch {
            throw CommandFailure(.environment, "\(error)")
        }
        let session = result.session
        if json {
            return printJSON(
                .record([
                    "org": .string("\(session.orgID)"), "instanceUrl": .string(session.instanceURL),
                    "tokenFile": .string(refresh.tokenFile),
                ]))
        }
        Terminal.output.write(
            "Signed in to org \(session.orgID) at \(session.instanceURL); the token is in \(refresh.tokenFile).\n")
    }
}

extension SalesforceOrg {
    func refreshToken() throws -> RefreshTokenConfiguration {
        if case .refreshToken(let refresh) = configuration.auth { return refresh }
        throw CommandFailure(
            .badInput,
            "org \(configuration.alias) does not sign in by a person: its `auth` in sluice.yaml has no refreshToken, "
                + "and needs no login.")
    }

    func secret(_ value: TextOrSecret) throws -> Secret {
        do {
            return try value.source(secrets)()
        } catch {
            throw CommandFailure(.badInput, "org \(configuration.alias): \(error)")
        }
    }
}

/// The browser of whoever sits at this machine, if there is one.
private enum Browser {
    static func open(_ url: String) {
        guard getenv("DISPLAY") != nil || getenv("WAYLAND_DISPLAY") != nil else { return }
        var process = pid_t()
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("xdg-open"), strdup(url), nil]
        defer { for argument in arguments { free(argument) } }
        posix_spawnp(&process, "xdg-open", nil, nil, &arguments, environ)
    }
}
