import ArgumentParser
import Curl
import Events
import GRPC
import Relay
import Salesforce
import SalesforceREST
import Settings

/// `--config` and `--org`, and what the commands of `salesforce` do with them.
struct SalesforceOrgOption: ParsableArguments {
    @OptionGroup var options: ConfigurationOption
    @Option(help: "The org's name in sluice.yaml; not needed if there is only one.") var org: String?

    func load() throws -> SalesforceOrg {
        let (configuration, secrets) = try chosen()
        return try SalesforceOrg(configuration, secrets)
    }

    /// What the configuration says of the org; no secret is read.
    func chosen() throws -> (OrgConfiguration, SecretStore) {
        let loaded = try options.load(showsWarnings: true)
        let names = loaded.configuration.orgs.map(\.alias)
        let chosen = loaded.configuration.orgs.first { org == nil ? names.count == 1 : $0.alias == org }
        guard let chosen else {
            let problem = org.map { "there is no org \($0) in \(options.config)" } ?? "say which org: --org"
            throw CommandFailure(.badInput, "\(problem); there are \(names.joined(separator: ", ")).")
        }
        return (chosen, loaded.secrets)
    }
}

/// One org of the configuration, ready to be asked.
struct SalesforceOrg {
    let configuration: OrgConfiguration
    let secrets: SecretStore
    let loginURL: LoginURL
    let http = CurlClient()
    let authenticator: Authenticator
    let rest: RESTClient

    init(_ configuration: OrgConfiguration, _ secrets: SecretStore) throws {
        self.configuration = configuration
        self.secrets = secrets
        let problems = configuration.secretProblems(secrets)
        guard problems.isEmpty else { throw CommandFailure(.badInput, problems.joined(separator: "\nsluice: ")) }
        do throws(SetupError) {
            loginURL = try LoginURL(configuration.loginURL)
            if let remark = loginURL.remark { Terminal.error.write("sluice: \(remark)\n") }
            authenticator = Authenticator(try configuration.signIn(loginURL: loginURL, secrets: secrets, http: http))
        } catch {
            throw CommandFailure(.badInput, "org \(configuration.alias): \(error)")
        }
        rest = RESTClient(authenticator: authenticator, http: http, options: configuration.restOptions)
    }

    var pubsub: PubSubClient { PubSubClient(connection: GRPCConnection(endpoint: configuration.pubsub.endpoint)) }
}

/// Ends the command in plain words if Salesforce cannot or will not answer.
func salesforceAnswer<Answer>(_ ask: () async throws(RESTError) -> Answer) async throws -> Answer {
    do throws(RESTError) {
        return try await ask()
    } catch {
        throw CommandFailure(error)
    }
}

/// The same for what cannot simply be sent again: the operator has to know whether it was done.
func salesforceWrite<Answer>(_ write: () async throws(RESTError) -> Answer) async throws -> Answer {
    do throws(RESTError) {
        return try await write()
    } catch {
        let failure = CommandFailure(error)
        guard error.mayHaveBeenDone else { throw failure }
        throw CommandFailure(
            failure.code,
            "\(failure.message) It is not known whether Salesforce did it: look there before you send it again.")
    }
}

extension CommandFailure {
    init(_ error: RESTError) {
        switch error.kind {
        case .signIn, .unreachable, .limitReached, .serverBusy: self.init(.environment, "\(error)")
        case .rejected, .setup, .notFound: self.init(.badInput, "\(error)")
        default: self.init(.failed, "\(error)")
        }
    }

    init(_ error: SignInError) {
        if case .setup = error { self.init(.badInput, "\(error)") } else { self.init(.environment, "\(error)") }
    }

    init(_ error: PublishError) {
        switch error {
        case .signIn(let error): self.init(error)
        case .encoding, .setup: self.init(.badInput, "\(error)")
        case .call(let failure):
            if case .stopTopic = failure.reaction {
                self.init(.badInput, "\(error)")
            } else {
                self.init(.environment, "\(error)")
            }
        }
    }
}
