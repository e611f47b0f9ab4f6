import ChangeEvents
import Settings
import Curl
import GRPC
import Events
import PubSub
import Salesforce
import SalesforceREST

/// What `doctor` asks of an org, in the order in which things fail: token, userinfo, topic, schema.
package struct OrgCheck: Sendable {
    let configuration: OrgConfiguration
    private let secrets: SecretStore
    private let http: any HTTPClient
    private let time: TimeSource

    package init(
        _ configuration: OrgConfiguration, secrets: SecretStore, http: any HTTPClient, time: TimeSource = .system
    ) {
        self.time = time
        self.configuration = configuration
        self.secrets = secrets
        self.http = http
    }

    package func run() async -> [CheckResult] {
        var results: [CheckResult] = []
        let problems = configuration.secretProblems(secrets)
        guard problems.isEmpty else { return problems.map { CheckResult(.failure, subject("secrets"), $0) } }
        let signIn: SignIn
        do throws(SetupError) {
            let url = try LoginURL(configuration.loginURL)
            if let remark = url.remark {
                results.append(CheckResult(.warning, subject("loginUrl"), remark, advice: "Write loginUrl: \(url)."))
            }
            signIn = try configuration.signIn(loginURL: url, secrets: secrets, http: http)
        } catch {
            return [CheckResult(.failure, subject("sign-in"), error.problem, advice: error.fix)]
        }
        let session: Session
        do throws(SignInError) {
            session = try await signIn.session()
            results.append(CheckResult(.ok, subject("sign-in"), "signed in at \(session.instanceURL)"))
            let org = try await signIn.orgID(of: session.accessToken, at: session.instanceURL)
            results.append(identity(org, session))
        } catch {
            return results + [failure("sign-in", error)]
        }
        results += await topics(session)
        let rest = RESTClient(
            authenticator: Authenticator { () async throws(SignInError) in session }, http: http,
            options: configuration.restOptions, time: time)
        return results + (await restChecks(rest, session.userID))
    }

    var now: Int64 { time.wall() }

    private func identity(_ org: OrgID, _ session: Session) -> CheckResult {
        guard org == session.orgID else {
            return CheckResult(
                .failure, subject("userinfo"), "the token belongs to org \(org), not to \(session.orgID)",
                advice: "Correct tenantId, or supply a token of that org.")
        }
        var result = CheckResult(.ok, subject("userinfo"), "org \(org)")
        result.signedIn = CheckResult.SignedIn(alias: configuration.alias, orgID: "\(org)")
        return result
    }

    private func topics(_ session: Session) async -> [CheckResult] {
        let client = PubSubClient(connection: GRPCConnection(endpoint: configuration.pubsub.endpoint))
        var results: [CheckResult] = []
        for topic in configuration.topics { results += await check(topic.name, client, session) }
        await client.close()
        return results
    }

    private func check(_ name: String, _ client: PubSubClient, _ session: Session) async -> [CheckResult] {
        let info: TopicInfo
        do throws(StreamFailure) {
            info = try await client.topic(name, session)
        } catch {
            return [failure("topic \(name)", error)]
        }
        guard info.canSubscribe else {
            return [
                CheckResult(
                    .failure, subject("topic \(name)"), "this user may not subscribe to it",
                    advice: "Give the Run As user 'View All Records' on the object (change events) or Read on the event "
                        + "(platform events), by a permission set.")
            ]
        }
        let found = CheckResult(.ok, subject("topic \(name)"), "exists and may be subscribed to")
        // Channels that carry several entities have no schema of their own.
        guard !info.schemaID.isEmpty else { return [found] }
        do throws(StreamFailure) {
            let schema = try await client.schema(info.schemaID, session)
            return [found, compiled(schema, name)]
        } catch {
            return [found, failure("schema \(info.schemaID)", error)]
        }
    }

    private func compiled(_ schema: SchemaInfo, _ topic: String) -> CheckResult {
        do throws(EventSchemaError) {
            let compiled = try EventSchema(json: schema.schemaJSON, id: schema.schemaID)
            return CheckResult(.ok, subject("schema of \(topic)"), "\(compiled.name), \(schema.schemaID)")
        } catch {
            return CheckResult(
                .failure, subject("schema of \(topic)"), "\(error)",
                advice: "Its events would be quarantined. Is something between here and Salesforce changing answers?")
        }
    }

    private func failure(_ what: String, _ error: SignInError) -> CheckResult {
        switch error {
        case .refused(let code, let detail, let fix, let url):
            CheckResult(
                .failure, subject(what), "refused at \(url): \(code)\(detail.isEmpty ? "" : " (\(detail))")", advice: fix)
        case .setup(let error): CheckResult(.failure, subject(what), error.problem, advice: error.fix)
        case .unreachable(let reason), .limited(let reason): CheckResult(.failure, subject(what), reason)
        }
    }

    private func failure(_ what: String, _ error: StreamFailure) -> CheckResult {
        var advice = "Try again; if it stays, give Salesforce Support the rpc-id."
        switch error.reaction {
        case .stopTopic(let fix), .stopUnlessDeployed(let fix): advice = fix
        case .awaitAllocation: advice = "Wait until the use of the last 24 hours falls, or buy more event deliveries."
        case .renewSession:
            advice = "The token was refused: is it current, and is the session locked to another IP address?"
        case .replayInvalid, .narrow: break
        case .reconnect:
            if error.isWithoutTLS {
                advice = "Is pubsub.endpoint right? One on this machine without TLS, such as the emulator's, needs plaintext: true."
            } else if error.rpcID == nil {
                advice =
                    "Can this machine reach \(configuration.pubsub.host):\(configuration.pubsub.port)? "
                    + "Firewalls often allow 443 only; pubsub.proxy names a proxy, pubsub.ca its certificate authority."
            }
        }
        return CheckResult(.failure, subject(what), "\(error)", advice: advice)
    }

    func subject(_ what: String) -> String { "org \(configuration.alias): \(what)" }
}
