import Events

/// The records of the emulated org, as far as changes have told of them.
///
/// Values are those of events: times are epoch milliseconds, compounds are records of their components.
struct RecordTable: Sendable {
    struct Record: Sendable {
        let id: String
        var fields = Fields()
        /// Epoch milliseconds.
        var createdAt: Int64
        var modifiedAt: Int64
        var createdBy = EmulatedOrg.userID
        var modifiedBy = EmulatedOrg.userID
        var isDeleted = false
    }

    /// Of each object; the oldest go.
    static let maximumRecords = 2_000

    /// By object, in the order of their creation.
    private var records: [String: [Record]] = [:]
    private var made: UInt64 = 0

    func all(_ entity: String) -> [Record] { records[entity] ?? [] }

    func find(_ entity: String, _ id: String) -> Record? {
        // The short form, without its check characters, names the same record.
        records[entity]?.first { $0.id == id || (id.utf8.count == 15 && $0.id.hasPrefix(id)) }
    }

    /// Apart from the numbers that the feed gives.
    mutating func newID(_ schema: EmulatedSchema) -> String {
        made += 1
        return SalesforceID.make(prefix: schema.keyPrefix, number: made &+ 0x5_0000)
    }

    /// What a change event tells. A gap event tells that there is a record, and no more.
    mutating func apply(_ change: EmulatedChange, _ stamp: CommitStamp) {
        for id in change.recordIDs where id != EmulatedChange.overflowID && !id.hasSuffix("*") {
            var list = records[change.entity] ?? []
            let place = list.firstIndex { $0.id == id }
            var record =
                place.map { list[$0] } ?? Record(id: id, createdAt: stamp.timestamp, modifiedAt: stamp.timestamp)
            record.modifiedAt = stamp.timestamp
            record.modifiedBy = stamp.user
            switch change.change {
            case .delete, .gapDelete: record.isDeleted = true
            default: record.isDeleted = false
            }
            for field in change.fields.fields { record.set(field.name, field.value) }
            if let place { list[place] = record } else { list.append(record) }
            if list.count > Self.maximumRecords { list.removeFirst() }
            records[change.entity] = list
        }
    }
}

extension RecordTable.Record {
    /// A compound's components are set one by one, as an event names those that changed.
    mutating func set(_ name: String, _ value: Value) {
        guard case .record(let parts) = value, case .record(var known)? = fields[name] else {
            fields[name] = value
            return
        }
        for part in parts.fields { known[part.name] = part.value }
        fields[name] = .record(known)
    }
}
