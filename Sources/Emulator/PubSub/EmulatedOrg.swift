import Events
import PubSub

/// A small Salesforce org: its topics, schemas and access. Pure; time and randomness come in.
struct EmulatedOrg: Sendable {
    static let userID = "005Dp000001AbCdIAK"
    static let secondUserID = "005Dp000001XyZzIAK"
    static let changeEvents = "/data/ChangeEvents"

    var access: OrgAccess
    /// Topics that this user may not subscribe to.
    var forbidden: Set<String>
    private(set) var topics: [String: TopicLog] = [:]
    var records: RecordTable
    /// Of the REST API.
    var callsUsed = 0
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
        for (index, name) in Self.topicNames.enumerated() {
            let base = UInt64(clamping: now) &* 1000 &+ UInt64(index) &* 10_007
            topics[name] = TopicLog(base: base, limits: retention)
        }
    }

    static var topicNames: [String] { [changeEvents] + SalesforceSchemas.all.map(\.topic) }

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

    /// The topic's log, if this user may subscribe to it.
    func log(_ topic: String) throws(PubSubFailure) -> TopicLog {
        if topic.isEmpty { throw .emptyTopic }
        guard let log = topics[topic] else { throw .unknownTopic(topic) }
        if forbidden.contains(topic) { throw .cannotSubscribe(topic) }
        return log
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
            let id = random.uuid()
            for topic in schema.kind == .change ? [Self.changeEvents, schema.topic] : [schema.topic] {
                _ = append(to: topic, id: id, schemaID: schema.id, payload: payload, now: now)
                touched.insert(topic)
            }
        }
        return touched
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

    private mutating func append(
        to topic: String, id: String, schemaID: String, payload: [UInt8], now: Int64
    ) -> ReplayID {
        topics[topic]!.append(
            id: id, schemaID: schemaID, payload: payload, stride: 1 + random.next() % 3, now: now)
    }

    mutating func purge(now: Int64) {
        for name in topics.keys { topics[name]!.purge(now: now) }
    }

    // MARK: Unary calls

    mutating func topicInfo(_ request: TopicRequest) throws(PubSubFailure) -> TopicInfo {
        if request.topicName.isEmpty { throw .emptyTopic }
        guard topics[request.topicName] != nil else { throw .unknownTopic(request.topicName) }
        let schema = SalesforceSchemas.all.first { $0.topic == request.topicName }
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
        let topic = try topicInfo(TopicRequest(topicName: request.topicName))
        guard !request.events.isEmpty else { throw .nothingToPublish }
        let results = request.events.map { event -> PublishResult in
            let key = event.id.isEmpty ? random.uuid() : event.id
            guard topic.canPublish else {
                return refused(key, "Change events can't be published to \(request.topicName).")
            }
            guard event.schemaID == topic.schemaID else {
                return refused(key, "The schema \(event.schemaID) isn't the one of \(request.topicName).")
            }
            let replayID = append(
                to: request.topicName, id: key, schemaID: event.schemaID, payload: event.payload, now: now)
            return PublishResult(replayID: replayID, correlationKey: key)
        }
        return PublishResponse(results: results, schemaID: topic.schemaID, rpcID: newRPCID())
    }

    private func refused(_ key: String, _ message: String) -> PublishResult {
        PublishResult(replayID: nil, error: .init(code: 1, message: message), correlationKey: key)
    }
}

extension EmulatedOrg {
    /// Stands where an org was, for as long as it is elsewhere.
    static let nobody = EmulatedOrg(
        access: OrgAccess(clientID: "", clientSecret: "", organizationID: "", fixedToken: nil), seed: 0, now: 0,
        forbidden: [])
}
