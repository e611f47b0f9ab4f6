import Events

extension EmulatedSchema {
    /// The bare Avro payload of a change or platform event.
    ///
    /// Creates, updates and undeletes get the audit fields that a commit sets. Deletes and gaps carry no field values
    /// (only enriched ones).
    /// - Throws: `EmulatorError.badField` for a field that the schema lacks or a value of another type.
    func encode(_ change: EmulatedChange, stamp: CommitStamp) throws(EmulatorError) -> [UInt8] {
        let fields = body(of: change, stamp: stamp)
        for field in fields.fields where index(of: field.name) == nil {
            throw .badField(entity: entityName, field: field.name, reason: "the object has no such field")
        }
        var writer = AvroWriter()
        if kind == .change { encodeHeader(of: change, stamp: stamp, to: &writer) }
        for field in self.fields {
            let value = fields[field.name] ?? .null
            try encode(value, as: field.type, isNullable: field.isNullable, path: field.name, to: &writer)
        }
        return writer.bytes
    }

    private func body(of change: EmulatedChange, stamp: CommitStamp) -> Fields {
        var fields = Fields()
        if kind == .platform || change.change.carriesValues { fields = change.fields }
        for field in change.enriched.fields { fields[field.name] = field.value }
        for (name, value) in auditFields(of: change, stamp: stamp) where fields[name] == nil { fields[name] = value }
        return fields
    }

    private func auditFields(of change: EmulatedChange, stamp: CommitStamp) -> [(String, Value)] {
        let audit: [(String, Value)] =
            switch (kind, change.change) {
            case (.platform, _):
                [("CreatedDate", .int(stamp.timestamp)), ("CreatedById", .string(stamp.user))]
            case (.change, .create), (.change, .undelete):
                [
                    ("CreatedDate", .int(stamp.timestamp)), ("CreatedById", .string(stamp.user)),
                    ("LastModifiedDate", .int(stamp.timestamp)), ("LastModifiedById", .string(stamp.user)),
                ]
            case (.change, .update): [("LastModifiedDate", .int(stamp.timestamp))]
            default: []
            }
        return audit.filter { index(of: $0.0) != nil }
    }

    private func encodeHeader(of change: EmulatedChange, stamp: CommitStamp, to writer: inout AvroWriter) {
        let isUpdate = change.change == .update
        let body = isUpdate ? changedValues(of: change, stamp: stamp) : Fields()
        writer.string(entityName)
        writer.strings(change.recordIDs)
        writer.long(change.change.wireIndex)
        writer.string(stamp.origin)
        writer.string(stamp.transactionKey)
        writer.long(Int64(stamp.sequenceNumber))
        writer.long(stamp.timestamp)
        writer.long(stamp.number)
        writer.string(stamp.user)
        writer.strings(bitmap(of: body) { $0 == .null }.elements)
        writer.strings(bitmap(of: body) { $0.isDiff }.elements)
        writer.strings(bitmap(of: body) { _ in true }.elements)
    }

    private func changedValues(of change: EmulatedChange, stamp: CommitStamp) -> Fields {
        var fields = change.fields
        for (name, value) in auditFields(of: change, stamp: stamp) where fields[name] == nil { fields[name] = value }
        return fields
    }

    /// The fields, or components of compound fields, whose value passes the test.
    private func bitmap(of body: Fields, where test: (Value) -> Bool) -> FieldBitmap {
        var bitmap = FieldBitmap()
        for field in body.fields {
            guard let position = index(of: field.name) else { continue }
            let index = position + firstIndex
            guard case .record(let parts) = field.value, let compound = fields[position].type.compound else {
                if test(field.value) { bitmap.insert(index) }
                continue
            }
            for part in parts.fields where test(part.value) {
                guard let component = compound.fields.firstIndex(where: { $0.name == part.name }) else { continue }
                bitmap.insert(component, in: index)
            }
        }
        return bitmap
    }
}

extension EmulatedSchema {
    private func encode(
        _ value: Value, as type: FieldType, isNullable: Bool, path: String, to writer: inout AvroWriter
    ) throws(EmulatorError) {
        if value == .null {
            guard isNullable else { throw .badField(entity: entityName, field: path, reason: "it must have a value") }
            writer.branch(0)
            return
        }
        if isNullable {
            if case (.stringOrRecord, .record) = (type, value) { writer.branch(2) } else { writer.branch(1) }
        }
        switch (type, value) {
        case (.string, .string(let text)), (.stringOrRecord, .string(let text)): writer.string(text)
        case (.boolean, .bool(let flag)): writer.boolean(flag)
        case (.double, .double(let number)): writer.double(number)
        case (.double, .int(let number)): writer.double(Double(number))
        case (.int, .int(let number)) where Int32(exactly: number) != nil: writer.long(number)
        case (.long, .int(let number)), (.long, .timestamp(let number)): writer.long(number)
        case (.long, .string(let text)):
            guard let moment = EpochText.milliseconds(text) else { throw mismatch(path, type, value) }
            writer.long(moment)
        case (.record(let compound), .record(let parts)), (.stringOrRecord(let compound), .record(let parts)):
            try encode(parts, as: compound, path: path, to: &writer)
        default: throw mismatch(path, type, value)
        }
    }

    private func encode(
        _ parts: Fields, as compound: Compound, path: String, to writer: inout AvroWriter
    ) throws(EmulatorError) {
        for part in parts.fields where !compound.fields.contains(where: { $0.name == part.name }) {
            throw .badField(
                entity: entityName, field: "\(path).\(part.name)", reason: "\(compound.name) has no such component")
        }
        for component in compound.fields {
            try encode(
                parts[component.name] ?? .null, as: component.type, isNullable: true,
                path: "\(path).\(component.name)", to: &writer)
        }
    }

    private func mismatch(_ path: String, _ type: FieldType, _ value: Value) -> EmulatorError {
        .badField(entity: entityName, field: path, reason: "it takes \(type.plainName), not \(value.plainName)")
    }
}

extension EmulatedSchema.FieldType {
    var compound: EmulatedSchema.Compound? {
        switch self {
        case .record(let compound), .stringOrRecord(let compound): compound
        default: nil
        }
    }

    fileprivate var plainName: String {
        switch self {
        case .string: "text"
        case .int: "a 32-bit whole number"
        case .long: "epoch milliseconds, or a date such as 2026-11-22 or 2026-11-22T08:30:00Z"
        case .double: "a number"
        case .boolean: "true or false"
        case .record(let compound): "a map (\(compound.name))"
        case .stringOrRecord(let compound): "text or a map (\(compound.name))"
        }
    }
}

extension Value {
    fileprivate var plainName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int: "a whole number"
        case .double: "a fraction"
        case .string: "text"
        case .bytes: "bytes"
        case .timestamp: "a time"
        case .list: "a list"
        case .record: "a map"
        }
    }

    /// A unified diff in place of a long text.
    fileprivate var isDiff: Bool {
        if case .string(let text) = self { text.hasPrefix("--- \n+++ ") } else { false }
    }
}

extension ChangeType {
    /// Creates, updates and undeletes have a body.
    fileprivate var carriesValues: Bool {
        switch self {
        case .create, .update, .undelete, .snapshot: true
        default: false
        }
    }

    /// The symbol's place in the schema's enum.
    fileprivate var wireIndex: Int64 {
        switch self {
        case .create: 0
        case .update: 1
        case .delete: 2
        case .undelete: 3
        case .gapCreate: 4
        case .gapUpdate: 5
        case .gapDelete: 6
        case .gapUndelete: 7
        case .gapOverflow: 8
        case .snapshot: 9
        case .unknown: preconditionFailure("an unknown change type has no place in the schema")
        }
    }
}
