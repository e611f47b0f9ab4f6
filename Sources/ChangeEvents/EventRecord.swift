import Events

/// What one event tells about its record: absent, null or value for every field. Decodes a field when it is asked for.
///
/// In the Avro record an unchanged field looks like an empty one; the lists of the header tell them apart.
package struct EventRecord: RecordView {
    /// How a field without a value is to be read.
    enum Reading: Sendable {
        /// Create, undelete, platform event: no value is null.
        case full
        /// Update: no value is null if the field is in `nulledFields`, else absent.
        case update
        /// Delete: no value is absent; values are enriched fields.
        case delete
        /// Gap, overflow, wildcard ID: nothing is told.
        case nothing
    }

    package let source: DecodedPayload
    let reading: Reading

    private var table: FieldTable { source.schema.fields }

    package func value(at path: [String]) -> Value? {
        guard reading != .nothing, let name = path.first, let field = topLevelField(name) else { return nil }
        guard path.count > 1 else { return value(of: field) }
        return path.dropFirst().reduce(value(of: field)) { $0?.member($1) }
    }

    package func known() -> Fields {
        guard reading != .nothing else { return Fields() }
        var fields: [Fields.Field] = []
        let nullsMatter = reading == .full || source.lists?.nulled.isEmpty == false
        for field in 0..<table.topLevelCount where field != source.schema.header?.field {
            if !nullsMatter, source.isPlainlyNull(field) { continue }
            if let value = value(of: field) { fields.append(Fields.Field(name: table.names[field], value: value)) }
        }
        return Fields(fields)
    }

    /// The unified diff that was sent in place of a long text, for a field in `diffFields`.
    package func diff(of name: String) -> String? {
        guard reading != .nothing, let field = topLevelField(name), isDiff(field),
            case .string(let text) = source.rawValue(field)
        else { return nil }
        return text
    }

    // MARK: The three states

    private func topLevelField(_ name: String) -> Int? {
        guard let slot = table.slot(named: name), slot < table.topLevelCount, slot != source.schema.header?.field else {
            return nil
        }
        return slot
    }

    func value(of field: Int) -> Value? {
        guard !isDiff(field) else { return nil }
        switch source.rawValue(field) {
        case .null: return empty(field) ?? clearedComponents(of: field)
        case .record(let members) where !table.slots[field].components.isEmpty:
            return .record(known(members, of: field))
        case let value: return table.slots[field].meaning.typed(value)
        }
    }

    /// What is known of a compound that has a value.
    private func known(_ members: Fields, of field: Int) -> Fields {
        var known = Fields()
        for (member, slot) in zip(members.fields, table.slots[field].components) where !isDiff(slot) {
            if case .null = member.value {
                if let value = empty(slot) ?? empty(field) { known.append(member.name, value) }
            } else {
                known.append(member.name, table.slots[slot].meaning.typed(member.value))
            }
        }
        return known
    }

    /// A compound that came without a value, but with some of its components set to null.
    private func clearedComponents(of field: Int) -> Value? {
        var known = Fields()
        for slot in table.slots[field].components {
            if let value = empty(slot) { known.append(table.names[slot], value) }
        }
        return known.isEmpty ? nil : .record(known)
    }

    /// What the lack of a value means: null or absent.
    func empty(_ slot: Int) -> Value? {
        switch reading {
        case .full: .null
        case .update: source.lists?.nulled.contains(slot) == true ? .null : nil
        case .delete, .nothing: nil
        }
    }

    func isDiff(_ slot: Int) -> Bool { source.lists?.diff.contains(slot) == true }
}

extension Value {
    /// A member of a record; null below null.
    func member(_ name: String) -> Value? {
        switch self {
        case .record(let fields): fields[name]
        case .null: .null
        default: nil
        }
    }
}

extension FieldMeaning {
    func typed(_ value: Value) -> Value {
        guard case .int(let number) = value else { return value }
        return switch self {
        case .plain: value
        case .dateTime: .timestamp(number)
        case .dateOnly: .string(Timestamp.dateOnly(number))
        case .timeOnly: .string(Timestamp.timeOnly(number))
        }
    }
}
