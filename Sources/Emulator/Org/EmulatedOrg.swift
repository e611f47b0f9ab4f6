import Events
import PubSub

/// A small Salesforce org: its topics, schemas and access. Pure; time and randomness come in.
struct EmulatedOrg: Sendable {
    static let userID = "005Dp000001AbCdIAK"
    static let secondUserID = "005Dp000001XyZzIAK"
    /// A longer event is refused.
    static let maximumEventBytes = 1 << 20

    var access: OrgAccess
    /// Topics that this user may not subscribe to; of what they carry, nothing comes by channels either.
    var forbidden: Set<String>
    private(set) var topics: [String: TopicLog] = [:]
    private(set) var channels = OrgChannels()
    var managed = ManagedSubscriptions()
    var limits = OrgLimits()
    var records: RecordTable
    var bulkJobs = BulkJobs()
    /// What the REST API answers in place of its own.
    var restFaults = TargetFaults()
    private let retention: TopicLog.Limits
    private let schemas: [String: EmulatedSchema]
    private var random: SeededRandom
    private var commitNumber: Int64

    /// - Parameters:
    ///   - now: epoch milliseconds; replay IDs begin there, so that IDs of an earlier life are refused.
    ///   - retention: of every topic.
    init(access: OrgAccess, seed: UInt64, now: Int64, retention: TopicLog.Limits = .init(), forbidden: Set<String>) {
        self.access = access
        self.forbidden = forbidden
        random = SeededRandom(seed: seed)
        commitNumber = now &* 7
        records = .sample(now: now)
        schemas = Dictionary(uniqueKeysWithValues: SalesforceSchemas.all.map { ($0.id, $0) })
        self.retention = retention
        for name in channels.all.map(\.topic) + SalesforceSchemas.all.map(\.topic) { addTopic(name, now: now) }
    }

    private mutating func addTopic(_ name: String, now: Int64) {
        let base = UInt64(clamping: now) &* 1000 &+ UInt64(topics.count) &* 10_007
        topics[name] = TopicLog(base: base, limits: retention)
    }

    static func schema(of entity: String) throws(EmulatorError) -> EmulatedSchema {
        if let schema = SalesforceSchemas.all.first(where: { $0.entityName == entity }) { return schema }
        throw .unknownEntity(entity, known: SalesforceSchemas.all.map(\.entityName))
    }

    mutating func newRPCID() -> String { random.uuid() }

    mutating func issueToken() -> String { access.issueToken(&random) }

    mutating func newSecret(_ prefix: String) -> String { prefix + random.hexDigits(40) }

    mutating func newRefreshToken() -> String {
        let token = newSecret("5Aep861")
        access.grants.refresh.insert(token)
        return token
    }

    /// Its entity may be on other channels; what comes late on this one begins with the selection.
    mutating func change(_ edit: ChannelEdit, now: Int64) throws(EmulatorError) {
        if let new = try channels.change(edit) { addTopic(new, now: now) }
    }

    /// The topic's log, if this user may subscribe to it.
    func log(_ topic: String) throws(PubSubFailure) -> TopicLog {
        let log = try known(topic)
        if forbidden.contains(topic) { throw .cannotSubscribe(topic) }
        return log
    }

    /// An object that is selected for no channel has no topic of its own either.
    private func known(_ topic: String) throws(PubSubFailure) -> TopicLog {
        if topic.isEmpty { throw .emptyTopic }
        guard let log = topics[topic], Self.schema(at: topic).map(channels.isSelected) ?? true else {
            throw .unknownTopic(topic)
        }
        return log
    }

    private static func schema(at topic: String) -> EmulatedSchema? {
        SalesforceSchemas.all.first { $0.topic == topic }
    }

    /// What may be sent of a topic now. A channel leaves out what the user may not see, without a word.
    var terms: SubscriptionState.Terms {
        SubscriptionState.Terms(
            hidden: forbidden.isEmpty
                ? [] : Set(SalesforceSchemas.all.lazy.filter { forbidden.contains($0.topic) }.map(\.id)),
            allowance: limits.allowance(.deliveredEvents))
    }

    // MARK: Publishing

    /// Commits changes as one transaction.
    ///
    /// - Parameters:
    ///   - now: epoch milliseconds.
    ///   - client: whose changes they are, as `Sforce-Call-Options` names it.
    /// - Returns: the topics that have something new.
    /// - Throws: `EmulatorError` with nothing published.
    @discardableResult
    mutating func commit(
        _ changes: [EmulatedChange], now: Int64, client: String = "sluice-emulator"
    ) throws(EmulatorError) -> Set<String> {
        let transactionKey = random.uuid()
        var encoded: [(EmulatedSchema, [UInt8])] = []
        var stamps: [CommitStamp] = []
        for (index, change) in changes.enumerated() {
            let schema = try Self.schema(of: change.entity)
            try Self.check(change, schema)
            let stamp = CommitStamp(
                transactionKey: transactionKey, sequenceNumber: Int32(clamping: index + 1), timestamp: now,
                number: commitNumber + 1, user: Self.userID,
                origin: "com/salesforce/api/rest/66.0;client=\(client)")
            stamps.append(stamp)
            encoded.append((schema, try schema.encode(change, stamp: stamp)))
        }
        commitNumber += 1 + Int64(random.next() % 5)
        for (change, stamp) in zip(changes, stamps) { records.apply(change, stamp) }
        var touched: Set<String> = []
        for (schema, payload) in encoded {
            touched.formUnion(distribute(payload, of: schema, id: random.uuid(), now: now).keys)
        }
        return touched
    }

    /// To every topic that carries it.
    private mutating func distribute(
        _ payload: [UInt8], of schema: EmulatedSchema, id: String, now: Int64
    ) -> [String: ReplayID] {
        guard channels.isSelected(schema) else { return [:] }
        if schema.kind == .platform { limits.use(.publishedEvents) }
        var replayIDs: [String: ReplayID] = [:]
        for topic in channels.topics(carrying: schema) + [schema.topic] {
            replayIDs[topic] = topics[topic]?.append(
                id: id, schemaID: schema.id, payload: payload, stride: 1 + random.next() % 3, now: now)
        }
        return replayIDs
    }

    /// Tries a change without publishing it.
    static func validate(_ change: EmulatedChange) throws(EmulatorError) {
        let schema = try schema(of: change.entity)
        try check(change, schema)
        let stamp = CommitStamp(
            transactionKey: "", sequenceNumber: 1, timestamp: 0, number: 0, user: userID, origin: "")
        _ = try schema.encode(change, stamp: stamp)
    }

    private static func check(_ change: EmulatedChange, _ schema: EmulatedSchema) throws(EmulatorError) {
        guard schema.kind == .change else { return }
        guard !change.recordIDs.isEmpty else { throw .badChange("a change of \(change.entity) needs record IDs") }
        if case .unknown(let symbol) = change.change { throw .badChange("there is no change type \(symbol)") }
    }

    mutating func purge(now: Int64) {
        for name in topics.keys { topics[name]!.purge(now: now) }
    }

    // MARK: Unary calls

    mutating func topicInfo(_ request: TopicRequest) throws(PubSubFailure) -> TopicInfo {
        _ = try known(request.topicName)
        let schema = Self.schema(at: request.topicName)
        return TopicInfo(
            topicName: request.topicName, tenantGUID: "core/emulator/\(access.organizationID)",
            canPublish: schema?.kind == .platform, canSubscribe: !forbidden.contains(request.topicName),
            schemaID: schema?.id ?? "", rpcID: newRPCID())
    }

    mutating func schemaInfo(_ request: SchemaRequest) throws(PubSubFailure) -> SchemaInfo {
        guard let schema = schemas[request.schemaID] else { throw .unknownSchema(request.schemaID) }
        return SchemaInfo(schemaJSON: schema.json, schemaID: schema.id, rpcID: newRPCID())
    }

    /// Publishes as given: the payload is not checked against its schema, as the real server does not.
    mutating func publish(_ request: PublishRequest, now: Int64) throws(PubSubFailure) -> PublishResponse {
        if request.topicName.isEmpty { throw .emptyPublishTopic }
        let topic = try topicInfo(TopicRequest(topicName: request.topicName))
        guard !request.events.isEmpty else { throw .nothingToPublish }
        let schema = Self.schema(at: request.topicName)
        var results: [PublishResult] = []
        for event in request.events {
            var result = PublishResult(replayID: nil, correlationKey: event.id)
            if let schema, topic.canPublish, let problem = problem(event, schema) {
                result.error = .init(code: 1, message: problem)
            } else if let schema, topic.canPublish {
                result.correlationKey = event.id.isEmpty ? random.uuid() : event.id
                let published = distribute(event.payload, of: schema, id: result.correlationKey, now: now)
                result.replayID = published[schema.topic]
            } else {
                result.error = .init(code: 1, message: "Events can't be published to \(request.topicName).")
            }
            results.append(result)
        }
        return PublishResponse(results: results, schemaID: topic.schemaID, rpcID: newRPCID())
    }

    /// Why one event is refused; the others of its request are not.
    private func problem(_ event: ProducerEvent, _ schema: EmulatedSchema) -> String? {
        if event.schemaID != schema.id {
            return "The schema \(event.schemaID) isn't the one of \(schema.topic)."
        }
        if event.payload.count > Self.maximumEventBytes {
            return "The event is longer than \(Self.maximumEventBytes >> 20) MB."
        }
        guard limits.allowance(.publishedEvents) > 0 else {
            return "LIMIT_EXCEEDED: You have exceeded the event publishing limit for your org."
        }
        return nil
    }
}

extension EmulatedOrg {
    /// Stands where an org was, for as long as it is elsewhere.
    static let nobody = EmulatedOrg(
        access: OrgAccess(clientID: "", clientSecret: "", organizationID: "", fixedToken: nil), seed: 0, now: 0,
        forbidden: [])
}
