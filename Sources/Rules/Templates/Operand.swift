import Events

/// What a field path names.
enum Operand: Sendable {
    /// A field of the record; an empty path is the whole record. From `firstOptional` on (if any) the path was written
    /// with `.?`, so that what is absent there makes the value absent instead of failing.
    case record([String], firstOptional: Int?)
    case recordID
    case event(EventField)
    case header(HeaderField)
    case org(OrgField)
    case batch(BatchField)
    /// `vars` and `rule`: known when the file is read.
    case constant(Value)
    case now

    /// As far as it is known when the file is read.
    enum StaticType: Sendable { case any, text, int, bool, time, list, map }

    enum EventField: String, Sendable, CaseIterable {
        case id, kind, entity, change, topic, replayId, schemaId, time, receivedAt, fetched, replayed
    }

    enum HeaderField: String, Sendable, CaseIterable {
        case entityName, recordIds, changeType, changeOrigin, transactionKey, sequenceNumber, commitTimestamp
        case commitNumber, commitUser, changedFields, nulledFields, diffFields
    }

    enum OrgField: String, Sendable, CaseIterable { case id, alias, sandbox }

    enum BatchField: String, Sendable, CaseIterable { case count, firstCommit, lastCommit, recordIds, changes, events }

    var staticType: StaticType {
        switch self {
        case .record(let path, _): path.isEmpty ? .map : .any
        case .recordID: .text
        case .now: .time
        case .event(.time), .event(.receivedAt), .batch(.firstCommit), .batch(.lastCommit): .time
        case .event(.fetched), .event(.replayed), .org(.sandbox): .bool
        case .event, .org: .text
        case .header(.recordIds), .header(.changedFields), .header(.nulledFields), .header(.diffFields): .list
        case .header(.sequenceNumber), .header(.commitTimestamp), .header(.commitNumber), .batch(.count): .int
        case .header: .text
        case .batch: .list
        case .constant(let value): Self.type(of: value)
        }
    }

    private static func type(of value: Value) -> StaticType {
        switch value {
        case .string: .text
        case .int: .int
        case .bool: .bool
        case .timestamp: .time
        case .list: .list
        case .record: .map
        case .null, .double, .bytes: .any
        }
    }

    /// Whether the value may be absent without that being an error.
    var isOptional: Bool {
        if case .record(_, .some) = self { true } else { false }
    }
}

/// What an expression sees: one event, as the rule takes it.
struct EvaluationContext {
    let event: Event
    /// `event.change`: of a gap event that is taken as an ordinary change, the underlying kind.
    let change: String
    /// Epoch milliseconds, fixed once per event.
    let now: Int64
}

extension Operand {
    /// - Returns: nil for what is absent.
    func value(in context: EvaluationContext) -> Value? {
        switch self {
        case .record(let path, _): Self.field(path, of: context.event.record)
        case .recordID: .string(context.event.recordID)
        case .event(let field): field.value(in: context)
        case .header(let field): context.event.header.map(field.value)
        case .org(let field): field.value(of: context.event.org)
        case .batch(let field): field.value(in: context)
        case .constant(let value): value
        case .now: .timestamp(context.now)
        }
    }

    /// A view answers for a field and its component; anything deeper is looked up in the value.
    static func field(_ path: [String], of record: any RecordView) -> Value? {
        guard !path.isEmpty else { return .record(record.known()) }
        guard path.count > 2 else { return record.value(at: path) }
        var value = record.value(at: Array(path.prefix(2)))
        for name in path.dropFirst(2) {
            guard case .record(let fields) = value else { return nil }
            value = fields[name]
        }
        return value
    }
}

extension Operand.EventField {
    fileprivate func value(in context: EvaluationContext) -> Value {
        let event = context.event
        return switch self {
        case .id: .string(event.id)
        case .kind: .string(event.kind.rawValue)
        case .entity: .string(event.entity)
        case .change: .string(context.change)
        case .topic: .string(event.topic)
        case .replayId: .string(event.replayID.description)
        case .schemaId: .string(event.schemaID)
        case .time: .timestamp(event.time)
        case .receivedAt: .timestamp(event.receivedAt)
        case .fetched: .bool(event.fetched)
        case .replayed: .bool(event.replayed)
        }
    }
}

extension Operand.HeaderField {
    fileprivate func value(of header: ChangeEventHeader) -> Value {
        switch self {
        case .entityName: .string(header.entityName)
        case .recordIds: .strings(header.recordIds)
        case .changeType: .string(header.changeType.symbol)
        case .changeOrigin: .string(header.changeOrigin)
        case .transactionKey: .string(header.transactionKey)
        case .sequenceNumber: .int(header.sequenceNumber)
        case .commitTimestamp: .int(header.commitTimestamp)
        case .commitNumber: .int(header.commitNumber)
        case .commitUser: .string(header.commitUser)
        case .changedFields: .strings(header.changedFields)
        case .nulledFields: .strings(header.nulledFields)
        case .diffFields: .strings(header.diffFields)
        }
    }
}

extension Operand.OrgField {
    fileprivate func value(of org: Org) -> Value {
        switch self {
        case .id: .string(org.id)
        case .alias: .string(org.alias)
        case .sandbox: .bool(org.isSandbox)
        }
    }
}

extension Operand.BatchField {
    /// A batch of one.
    fileprivate func value(in context: EvaluationContext) -> Value {
        let event = context.event
        switch self {
        case .count: return .int(1)
        case .firstCommit, .lastCommit: return .timestamp(event.time)
        case .recordIds: return event.recordID.isEmpty ? .list([]) : .strings([event.recordID])
        case .changes: return .strings([context.change])
        case .events:
            let entry: Fields = [
                "id": .string(event.id), "change": .string(context.change), "recordId": .string(event.recordID),
                "time": .timestamp(event.time),
            ]
            return .list([.record(entry)])
        }
    }
}

extension Value {
    fileprivate static func strings(_ texts: [String]) -> Value { .list(texts.map(Value.string)) }
}
