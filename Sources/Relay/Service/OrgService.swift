import ChangeEvents
import Settings
import Curl
import Events
import GRPC
import Logging
import Rules
import Salesforce
import Store

/// Everything that runs for one org: a shared session, one HTTP/2 connection, and a subscription for each topic.
package struct OrgService: Sendable {
    private let configuration: OrgConfiguration
    private let loginURL: LoginURL
    private let authenticator: Authenticator
    private let client: PubSubClient
    private let parts: RelayParts
    private let log: Logger

    package init(_ configuration: OrgConfiguration, parts: RelayParts) throws(SetupError) {
        self.configuration = configuration
        self.parts = parts
        var log = parts.log
        log[metadataKey: "org"] = "\(configuration.alias)"
        self.log = log
        loginURL = try LoginURL(configuration.loginURL)
        if let remark = loginURL.remark { log.warning("\(remark)") }
        authenticator = Authenticator(
            try configuration.signIn(loginURL: loginURL, secrets: parts.secrets, http: parts.http), time: parts.time)
        client = PubSubClient(connection: GRPCConnection(endpoint: configuration.pubsub.endpoint))
    }

    /// Signs in, so that a wrong secret is known before anything runs.
    package func signIn() async throws(SignInError) { _ = try await authenticator.session() }

    /// Runs until the task is cancelled. Topics that only a person can mend end alone; the others go on.
    package func run() async {
        guard let session = await firstSession() else { return }
        let org = Org(
            id: session.orgID.description, alias: configuration.alias, instanceURL: session.instanceURL,
            isSandbox: configuration.sandbox ?? session.instanceURL.contains(".sandbox."))
        let ingest = Ingest(
            org: org, schemas: schemas, rules: parts.rules, outbox: parts.outbox,
            reports: StreamReports(org: org.alias, store: parts.store, time: parts.time, log: log),
            observer: parts.observer, time: parts.time, log: log)
        await withDiscardingTaskGroup { group in
            for topic in configuration.topics {
                group.addTask { await subscription(topic, org, ingest).run() }
            }
        }
        await client.close()
    }

    private func firstSession() async -> Session? {
        var backoff = ReconnectBackoff()
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            do throws(SignInError) {
                return try await authenticator.session()
            } catch {
                let wait = backoff.next(using: &generator)
                if backoff.failures == 1 { log.error("\(error)") }
                guard (try? await parts.time.sleep(wait)) != nil else { return nil }
            }
        }
        return nil
    }

    private var schemas: SchemaCache {
        let source = SchemaSource(calls: client, authenticator: authenticator)
        return SchemaCache(store: parts.store) { id throws(SchemaSource.Failure) in try await source.schemaJSON(id) }
    }

    private func subscription(_ topic: TopicConfiguration, _ org: Org, _ ingest: Ingest) async -> Subscription {
        let cursor = await storedCursor(topic.name)
        return Subscription(
            settings: topic.settings(configuration.pubsub),
            position: cursor.map { Position(replayID: $0.replayID, time: $0.commitTime ?? $0.updatedAt) },
            unusable: cursor.flatMap { Self.foreign($0, org) }, calls: client, authenticator: authenticator,
            host: ingest, time: parts.time, log: log)
    }

    /// A topic must not start anew because its cursor could not be read: waits until it can.
    private func storedCursor(_ topic: String) async -> Cursor? {
        while !Task.isCancelled {
            do throws(StoreError) {
                return try await parts.store.cursor(Cursor.Key(org: configuration.alias, topic: topic))
            } catch {
                log.error("\(error)", metadata: ["topic": "\(topic)"])
                guard (try? await parts.time.sleep(.seconds(5))) != nil else { return nil }
            }
        }
        return nil
    }

    /// Replay IDs mean something in one org and one instance only.
    static func foreign(_ cursor: Cursor, _ org: Org) -> String? {
        if cursor.orgID != org.id { return "belongs to another org (\(cursor.orgID), this is \(org.id))" }
        if cursor.instanceURL != org.instanceURL {
            return "belongs to another instance (\(cursor.instanceURL), this is \(org.instanceURL))"
        }
        return nil
    }
}
