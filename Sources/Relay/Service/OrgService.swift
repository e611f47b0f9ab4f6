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
    /// Between sign-ins that only a person can make succeed. Refusals wait longer by themselves.
    static let unmendedWait: Duration = .seconds(30)

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
        let reports = StreamReports(org: configuration.alias, store: parts.store, time: parts.time, log: log)
        guard let session = await firstSession(reports) else { return }
        let org = Org(
            id: session.orgID.description, alias: configuration.alias, instanceURL: session.instanceURL,
            isSandbox: configuration.sandbox ?? session.instanceURL.contains(".sandbox."))
        let ingest = Ingest(
            org: org, schemas: schemas, rules: parts.rules, outbox: parts.outbox,
            reports: reports, observer: parts.observer, time: parts.time, log: log)
        await withDiscardingTaskGroup { group in
            for topic in configuration.topics {
                group.addTask { await subscription(topic, org, ingest).run() }
            }
        }
        await client.close()
        guard !Task.isCancelled else { return }
        log.error("every topic of this org has stopped: nothing more of it is relayed until that is mended and restarted")
    }

    /// Waits for a network that is not there yet, and for credentials that somebody mends; `status` shows why.
    private func firstSession(_ reports: StreamReports) async -> Session? {
        var backoff = ReconnectBackoff()
        var generator = SystemRandomNumberGenerator()
        var said = ""
        while !Task.isCancelled {
            do throws(SignInError) {
                return try await authenticator.session()
            } catch {
                guard !Task.isCancelled else { break }
                let wait = backoff.next(minimum: error.isRetryable ? .zero : Self.unmendedWait, using: &generator)
                let reason = "\(error)"
                if reason != said { log.error("\(reason)") }
                said = reason
                await show(.reconnecting, reason, reports)
                guard (try? await parts.time.sleep(wait)) != nil else { break }
            }
        }
        await show(.off, "the relay was stopped", reports)
        return nil
    }

    private func show(_ state: StreamStatus.State, _ detail: String, _ reports: StreamReports) async {
        for topic in configuration.topics {
            await reports.changed(StreamStatus(state: state, detail: detail), topic: topic.name)
        }
    }

    private var schemas: SchemaCache {
        let source = SchemaSource(calls: client, authenticator: authenticator)
        return SchemaCache(store: parts.store, time: parts.time) { id throws(SchemaSource.Failure) in
            try await source.schemaJSON(id)
        }
    }

    private func subscription(_ topic: TopicConfiguration, _ org: Org, _ ingest: Ingest) async -> Subscription {
        let cursor = await storedCursor(topic.name)
        return Subscription(
            settings: topic.settings(configuration.pubsub),
            position: cursor.map {
                Position(replayID: $0.replayID, time: $0.commitTime ?? $0.updatedAt, receivedAt: $0.updatedAt)
            },
            unusable: cursor.flatMap { Self.foreign($0, org) }, startedAt: cursor == nil ? await lastSeen(topic.name) : nil,
            calls: client, authenticator: authenticator, host: ingest, time: parts.time, log: log)
    }

    /// When an earlier process last had to do with a topic that it left without a cursor: what came since then may be
    /// missing, and has to be said.
    private func lastSeen(_ topic: String) async -> Int64? {
        let key = Cursor.Key(org: configuration.alias, topic: topic)
        return (try? await parts.store.streamStates())?.first { $0.key == key }?.since
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
