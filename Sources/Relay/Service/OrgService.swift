import ChangeEvents
import Settings
import Curl
import Events
import Logging
import Rules
import Salesforce
import SalesforceREST
import Store

/// Everything that runs for one org: a shared session, one HTTP/2 connection, and a subscription for each topic.
package struct OrgService: Sendable {
    /// Between sign-ins that only a person can make succeed. Refusals wait longer by themselves.
    static let unmendedWait: Duration = .seconds(30)
    /// For a call that writes records.
    static let writeTimeout: Duration = .seconds(60)

    package var alias: String { configuration.alias }
    private let configuration: OrgConfiguration
    private let authenticator: Authenticator
    private let client: any PubSubConnection
    private let rest: RESTClient
    private let parts: RelayParts
    private let log: Logger
    private let news = OutageNews()
    /// Sign-ins that led to another org or place, which is followed.
    private let moves: AsyncStream<Void>

    package init(_ configuration: OrgConfiguration, parts: RelayParts) throws(SetupError) {
        self.configuration = configuration
        self.parts = parts
        var log = parts.log
        log[metadataKey: "org"] = "\(configuration.alias)"
        self.log = log
        let loginURL = try LoginURL(configuration.loginURL)
        if let remark = loginURL.remark { log.warning("\(remark)") }
        let policy = OrgChange.Policy(rawValue: configuration.onOrgChange.rawValue) ?? .stop
        let (moves, moved) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.moves = moves
        authenticator = Authenticator(
            try configuration.signIn(
                loginURL: loginURL, secrets: parts.secrets, http: parts.http, time: parts.time), time: parts.time,
            onOrgChange: policy,
            notice: { [log] change in
                log.warning("\(change)")
                if change.isFollowed(by: policy) { moved.yield() }
            },
            answered: { [alias = configuration.alias, monitor = parts.monitor] error in
                if error?.isRetryable != true { monitor.signedIn(org: alias, isRefused: error != nil) }
            })
        client = parts.pubsub(configuration)
        rest = RESTClient(
            authenticator: authenticator, http: parts.http, options: configuration.restOptions, time: parts.time)
        parts.salesforceOrgs.register(
            OrgWriter(
                // The dispatcher makes an attempt again, in its lane's order; a call that is made again by itself could
                // come after a newer one.
                rest: rest.impatient(timeout: Self.writeTimeout),
                publishers: PublisherCache(client: client, authenticator: authenticator, time: parts.time)),
            as: configuration.alias)
    }

    /// Signs in, so that a wrong secret is known before anything runs.
    package func signIn() async throws(SignInError) { _ = try await authenticator.session() }

    /// A sign-in that waits since it was refused is tried soon.
    package func hurrySignIn() async { await authenticator.hurry() }

    /// Runs until the task is cancelled. Topics that only a person can mend end alone; the others go on.
    ///
    /// - Parameter refusal: what `signIn` threw, and the log has said.
    package func run(refused refusal: SignInError? = nil) async {
        var refusal = refusal
        while await serve(refused: refusal), !Task.isCancelled { refusal = nil }
        await client.close()
        await authenticator.ended()
        guard !Task.isCancelled else { return }
        log.error("every topic of this org has stopped: nothing more of it is relayed until that is mended and restarted")
    }

    /// Serves the org and place that the session is of now.
    ///
    /// - Returns: whether it is another one since, where everything begins anew: cursors, identities, schemas.
    private func serve(refused refusal: SignInError?) async -> Bool {
        let reports = StreamReports(
            org: configuration.alias, store: parts.store, monitor: parts.monitor, alerts: parts.alerts, time: parts.time,
            log: log)
        guard let session = await firstSession(reports, refused: refusal) else { return false }
        let org = Org(
            id: session.orgID.description, alias: configuration.alias, instanceURL: session.instanceURL,
            isSandbox: configuration.sandbox ?? session.instanceURL.contains(".sandbox."))
        await takeOverOldNames(org)
        let describes = DescribeCache(rest)
        let facts = OrgFacts(records: RecordReader(rest, describes: describes), flows: parts.flows)
        let schemas = schemas
        let gapReader = gapReader(org, describes, facts)
        let ingest = Ingest(
            org: org, schemas: schemas, rules: parts.rules, outbox: parts.outbox,
            reports: reports, facts: facts, gate: parts.gate, backfills: parts.backfills, gapReader: gapReader,
            schemaWatch: SchemaWatch(
                org: configuration.alias, store: parts.store, schemas: schemas, rules: parts.rules, reports: reports,
                time: parts.time, log: log), observer: parts.monitor, time: parts.time, log: log)
        let use = DeliveryUse(org: configuration.alias, client: rest, monitor: parts.monitor, log: log)
        let watching = Task { await use.run() }
        register(org, schemas, facts, use)
        await register(org, describes, facts)
        guard (try? await gapReader.restore(schemas)) != nil else { return false }
        let reading = Task { await gapReader.run() }
        let looking = Task { await tellWithheld(session) }
        let hasMoved = await runTopics { topic in await subscription(topic, org, ingest, use) }
        for task in [watching, reading, looking] { task.cancel() }
        for task in [watching, reading, looking] { await task.value }
        // Events that wait for a read of their record are in the store before they are looked for.
        if hasMoved { await parts.outbox.flush() }
        return hasMoved
    }

    /// Until all have ended, or the org is another one.
    private func runTopics(_ subscription: @escaping @Sendable (TopicConfiguration) async -> Subscription) async -> Bool {
        await withTaskGroup { group in
            for topic in configuration.topics {
                let key = Cursor.Key(org: configuration.alias, topic: topic.name)
                group.addTask {
                    await parts.topics.run(key) { await subscription(topic).run() }
                    return false
                }
            }
            group.addTask {
                for await _ in moves { return true }
                return false
            }
            var left = configuration.topics.count
            var hasMoved = false
            if left == 0 { group.cancelAll() }
            for await isMove in group {
                if isMove { hasMoved = true } else { left -= 1 }
                if hasMoved || left == 0 { group.cancelAll() }
            }
            return hasMoved
        }
    }

    /// Salesforce says nothing of objects that it leaves out of a channel.
    private func tellWithheld(_ session: Session) async {
        for topic in configuration.topics where ChannelContents.isChannel(topic.name) {
            let contents = await ChannelReader(rest).contents(of: topic.name, userID: session.userID)
            guard !contents.withheld.isEmpty else { continue }
            log.warning(
                """
                nothing will come of \(contents.withheld.joined(separator: ", ")): the user may not see all of their records. \
                \(ChannelContents.withheldAdvice)
                """, metadata: ["topic": "\(topic.name)"])
        }
    }

    private func gapReader(_ org: Org, _ describes: DescribeCache, _ facts: OrgFacts) -> GapReconciler {
        GapReconciler(
            GapParts(
                store: parts.store, outbox: parts.outbox, rules: parts.rules, gate: parts.backfills.gate, org: org,
                client: rest, describes: describes, facts: FactFinder(source: facts, time: parts.time, log: log),
                topics: configuration.topics.map { Cursor.Key(org: configuration.alias, topic: $0.name) },
                observer: parts.monitor, time: parts.time, log: log))
    }

    /// Waits for a network that is not there yet, and for credentials that somebody mends; `status` shows why.
    private func firstSession(_ reports: StreamReports, refused refusal: SignInError?) async -> Session? {
        var backoff = ReconnectBackoff()
        var generator = SystemRandomNumberGenerator()
        var said: (reason: String, at: Duration)?
        if let refusal {
            said = ("\(refusal)", parts.time.monotonic())
            await showWaiting("\(refusal)", .zero, reports)
        }
        while !Task.isCancelled {
            do throws(SignInError) {
                return try await authenticator.session()
            } catch {
                guard !Task.isCancelled else { break }
                // After a refusal the authenticator waits, and looks whether its credentials were replaced.
                let waits = error.isRetryable || error.isFailedLogin
                let wait = backoff.next(minimum: waits ? .zero : Self.unmendedWait, using: &generator)
                let reason = "\(error)"
                let now = parts.time.monotonic()
                if reason != said?.reason || now - (said?.at ?? now) >= OutageNews.reminder {
                    log.error("\(reason)")
                    said = (reason, now)
                }
                await showWaiting(reason, wait, reports)
                guard (try? await parts.time.sleep(wait)) != nil else { break }
            }
        }
        await show(.off, "the relay was stopped", reports)
        return nil
    }

    private func showWaiting(_ reason: String, _ wait: Duration, _ reports: StreamReports) async {
        let next = max(wait, await authenticator.waitLeft)
        await show(.reconnecting, reason, reports, nextTry: parts.time.wall() + next.milliseconds)
    }

    /// From here on replays can ask this org.
    private func register(_ org: Org, _ schemas: SchemaCache, _ facts: OrgFacts, _ use: DeliveryUse) {
        let finder = FactFinder(source: facts, time: parts.time, log: log)
        let others = parts.replayOrgs.register(
            ReplayOrgs.Entry(
                org: org, schemas: schemas,
                connection: ReplayOrgs.Connection(
                    calls: client, authenticator: authenticator, watchdog: configuration.pubsub.watchdog,
                    brake: { await use.brake }),
                complete: { event, result, rules in try await finder.complete(event, result, by: rules) },
                completeNow: { event, result, rules in try await finder.complete(event, result, by: rules, .never) }))
        if let other = others.first { log.warning("\(SameOrg.problem(configuration.alias, other, org.id)) \(SameOrg.advice)") }
    }

    /// From here on backfills can read this org.
    private func register(_ org: Org, _ describes: DescribeCache, _ facts: OrgFacts) async {
        let finder = FactFinder(source: facts, time: parts.time, log: log)
        for topic in configuration.topics where topic.snapshot {
            await parts.backfills.snapshot(Cursor.Key(org: org.alias, topic: topic.name), time: parts.time)
        }
        let (store, monitor) = (parts.store, parts.monitor)
        parts.backfills.orgs.register(
            BackfillOrgs.Entry(
                org: org, client: rest, describes: describes, topics: configuration.topics.map(\.name),
                bulkFrom: configuration.rest.bulkFrom,
                complete: { event, result, rules, facts in
                    try await finder.complete(event, result, by: rules, known: facts)
                },
                isFollowed: { topic in
                    let key = Cursor.Key(org: org.alias, topic: topic)
                    // What happens from the cursor on is sure to come.
                    if let cursor = try? await store.cursor(key), cursor.orgID == org.id { return nil }
                    let numbers = monitor.streams[key]
                    if numbers?.state == StreamStatus.State.streaming.rawValue { return nil }
                    return numbers.map { "\($0.state) \($0.detail)" } ?? "it has not started yet"
                }))
    }

    private func show(
        _ state: StreamStatus.State, _ detail: String, _ reports: StreamReports, nextTry: Int64? = nil
    ) async {
        for topic in configuration.topics {
            await reports.changed(StreamStatus(state: state, detail: detail, nextTry: nextTry), topic: topic.name)
        }
    }

    private var schemas: SchemaCache {
        let source = SchemaSource(calls: client, authenticator: authenticator)
        return SchemaCache(store: parts.store, time: parts.time) { id throws(SchemaSource.Failure) in
            try await source.schemaJSON(id)
        }
    }

    private func subscription(
        _ topic: TopicConfiguration, _ org: Org, _ ingest: Ingest, _ use: DeliveryUse
    ) async -> Subscription {
        let cursor = await storedCursor(topic.name)
        let movedFrom = await movedFrom(topic.name)
        var position = cursor.map {
            Position(replayID: $0.replayID, time: $0.commitTime ?? $0.updatedAt, receivedAt: $0.updatedAt)
        }
        position?.movedFrom = movedFrom
        var startedAt = cursor == nil ? movedFrom : nil
        if cursor == nil, startedAt == nil { startedAt = await lastSeen(topic.name) }
        return Subscription(
            settings: topic.settings(configuration.pubsub), position: position,
            unusable: cursor.flatMap { Self.foreign($0, org) }, startedAt: startedAt,
            calls: client, authenticator: authenticator, host: ingest, time: parts.time,
            isHome: { $0.orgID.description == org.id && $0.instanceURL == org.instanceURL },
            isAllocationUsed: { await use.isUsedUp }, log: log, news: news, executors: parts.outbox.executors)
    }

    /// When an earlier process last had to do with a topic that it left without a cursor: what came since then may be
    /// missing, and has to be said.
    private func lastSeen(_ topic: String) async -> Int64? {
        let key = Cursor.Key(org: configuration.alias, topic: topic)
        return (try? await parts.store.streamStates())?.first { $0.key == key }?.since
    }

    /// Since when events may be skipped because an operator moved the cursor, if nothing was said of the topic since then.
    private func movedFrom(_ topic: String) async -> Int64? {
        let key = Cursor.Key(org: configuration.alias, topic: topic)
        let statements = (try? await parts.store.statements(of: key)) ?? []
        guard let last = statements.first(where: { $0.kind != LossStatement.schemaChange }) else { return nil }
        return last.kind == LossStatement.moved ? last.lostFrom : nil
    }

    /// The org may have got another name in the configuration: its topics go on where they were.
    private func takeOverOldNames(_ org: Org) async {
        var hasLetGo = false
        while !Task.isCancelled {
            do throws(StoreError) {
                let others = try await parts.store.cursors().filter { cursor in
                    cursor.key.scope == .live && cursor.orgID == org.id && !parts.orgNames.contains(cursor.key.org)
                }
                for old in Set(others.map(\.key.org)).sorted() {
                    // They read under the old name, and stand still until they know the new one.
                    hasLetGo = true
                    await parts.replays.letGo(of: old)
                    await parts.backfills.letGo(of: old)
                    try await parts.store.renameOrg(old, to: org.alias)
                    log.notice(
                        "\(old) was the same org (\(org.id)), and is no name in sluice.yaml any more: this goes on where it was")
                }
                guard hasLetGo else { return }
                // In a turn of their own as well, where the store failed in between: no cursor has the old name then.
                try await parts.replays.takeUp()
                return try await parts.backfills.takeUp()
            } catch {
                log.error("\(error)")
                guard (try? await parts.time.sleep(.seconds(5))) != nil else { return }
            }
        }
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
