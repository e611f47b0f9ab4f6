import CEL
import Events
import Rules

/// An event for a draft that nobody gave a sample for: a record is created, or a platform event published, with a plain
/// value in each field that the schema names.
enum MadeUpEvent {
    /// 2026-01-01T12:00:00Z
    private static let time: Int64 = 1_767_268_800_000
    /// Fields that are filled in.
    private static let maximumFields = 20

    static func event(of entity: EntitySchema) -> Event {
        let isPlatform = entity.name.hasSuffix("__e")
        let id = "a00000000000001AAA"
        let header = ChangeEventHeader(
            entityName: entity.name, recordIds: [id], changeType: .create, changeOrigin: "", transactionKey: "sample-1",
            sequenceNumber: 1, commitTimestamp: time, commitNumber: 1, commitUser: "005000000000001AAA",
            nulledFields: [],
            diffFields: [], changedFields: [])
        let fields = entity.fields.filter { $0.components.isEmpty }.prefix(maximumFields).map {
            Fields.Field(name: $0.name, value: value(of: $0))
        }
        guard let replayID = ReplayID([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]) else {
            preconditionFailure("ten bytes are a replay ID")
        }
        return Event(
            id: "00000000-0000-4000-8000-000000000001", kind: isPlatform ? .platform : .change, entity: entity.name,
            topic: isPlatform ? "/event/\(entity.name)" : EntityTopic.single(entity.name), replayID: replayID,
            schemaID: "sample", time: time, receivedAt: time, header: isPlatform ? nil : header,
            recordID: isPlatform ? "" : id,
            record: KnownFields(
                Fields(fields.isEmpty ? [Fields.Field(name: "Name", value: .string("Sample"))] : Array(fields))),
            org: Org(
                id: "00D000000000001EAA", alias: "test", instanceURL: "https://test.my.salesforce.com", isSandbox: false
            ))
    }

    private static func value(of field: FieldSchema) -> Value {
        if let value = field.picklist?.first { return .string(value) }
        switch field.type {
        case .bool: return .bool(true)
        case .int: return .int(1)
        case .double: return .double(1.5)
        case .timestamp: return .timestamp(time)
        default: return .string("sample")
        }
    }
}
