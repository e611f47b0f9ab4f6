import Documents
import Events

/// Makes events as Salesforce would deliver them, from what a test says of them.
struct EventMaker {
    let org: Org
    let typing: FieldTyping
    private var count: Int64 = 0

    init(org: Org, typing: FieldTyping) {
        self.org = org
        self.typing = typing
    }

    /// - Parameters:
    ///   - node: held against `TestKeys.event` already.
    ///   - now: epoch milliseconds at which it comes.
    /// - Returns: one event per record of a merged change.
    mutating func events(_ node: YAMLNode, now: Int64) throws(FieldTyping.Problem) -> [Event] {
        count += 1
        let told = try Self.time(node, "time")
        let time = told ?? now
        if let name = node.text("event") { return [try platform(name, node, time: time, now: now)] }
        guard let entity = node.text("entity") else {
            throw FieldTyping.Problem(node: node, message: "an event needs 'entity', 'event' or 'fixture'")
        }
        guard let change = node.text("change") else {
            throw FieldTyping.Problem(
                node: node, message: "a change event needs 'change'",
                hint: TestKeys.changes.joined(separator: ", "))
        }
        let header = try header(entity, change, node, time: time)
        let record = try record(entity, change, node)
        let names = Self.names(record.changed, below: "")
        var full = header
        full.changedFields = names
        full.nulledFields = Self.nulled(record.changed, below: "")
        return full.recordIds.map { id in
            event(
                node, entity: entity, topic: EntityTopic.single(entity), time: time, now: now,
                header: full, recordID: Self.isNameable(id) ? id : "", record: record.known)
        }
    }

    /// - Returns: nil when the key is not given.
    static func time(_ node: YAMLNode, _ key: String) throws(FieldTyping.Problem) -> Int64? {
        guard let value = node[key], let text = value.scalar?.text else { return nil }
        guard let time = Timestamp.milliseconds(rfc3339: text) else {
            throw FieldTyping.Problem(
                node: value, message: "'\(text.shortened)' is not a time", hint: "write 2026-11-22T03:01:00Z")
        }
        return time
    }

    // MARK: Parts

    private func event(
        _ node: YAMLNode, entity: String, topic: String, time: Int64, now: Int64, header: ChangeEventHeader?,
        recordID: String, record: Fields
    ) -> Event {
        let digits = String(count)
        let padded = String(repeating: "0", count: max(0, 12 - digits.count)) + digits
        let bytes = (0..<10).map { UInt8(truncatingIfNeeded: $0 < 2 ? 0 : count >> Int64(8 * (9 - $0))) }
        guard let replayID = ReplayID(bytes) else { preconditionFailure("ten bytes are a replay ID") }
        return Event(
            id: "00000000-0000-4000-8000-\(padded)", kind: header == nil ? .platform : .change, entity: entity,
            topic: node.text("topic") ?? topic, replayID: replayID, schemaID: typing.schema(of: entity)?.id ?? "test",
            time: time, receivedAt: now, header: header, recordID: recordID, record: KnownFields(record), org: org)
    }

    private func platform(
        _ name: String, _ node: YAMLNode, time: Int64, now: Int64
    ) throws(FieldTyping.Problem) -> Event {
        for key in ["change", "changed", "ids", "transaction"] {
            if let entry = node.entry(key) {
                throw FieldTyping.Problem(
                    node: entry.value, message: "'\(key)' is only for change events", hint: "the fields go to 'record'")
            }
        }
        var record = completed(try fields(node, "record", name), name)
        if record["CreatedDate"] != nil || typing.fieldNames(of: name)?.contains("CreatedDate") == true {
            if case .timestamp? = record["CreatedDate"] {} else { record["CreatedDate"] = .timestamp(time) }
        }
        return event(
            node, entity: name, topic: "/event/\(name)", time: time, now: now, header: nil, recordID: "",
            record: record)
    }

    private func header(
        _ entity: String, _ change: String, _ node: YAMLNode, time: Int64
    ) throws(FieldTyping.Problem) -> ChangeEventHeader {
        var ids: [String] = []
        for id in node.texts("ids") where !ids.contains(id) { ids.append(id) }
        if change == "overflow", ids.isEmpty { ids = ["000000000000000AAA"] }
        guard !ids.isEmpty else {
            throw FieldTyping.Problem(
                node: node, message: "a change event needs 'ids'", hint: "ids: [006000000000001AAA]")
        }
        return ChangeEventHeader(
            entityName: entity, recordIds: ids,
            changeType: ChangeType(symbol: change == "overflow" ? "GAP_OVERFLOW" : change.uppercased()),
            changeOrigin: node.text("origin") ?? "", transactionKey: node.text("transaction") ?? "test-\(count)",
            sequenceNumber: 1, commitTimestamp: time, commitNumber: count,
            commitUser: node.text("user") ?? "005000000000001AAA", nulledFields: [], diffFields: [], changedFields: [])
    }

    private static func isNameable(_ id: String) -> Bool { id != "000000000000000AAA" && !id.contains("*") }

    // MARK: The record

    /// What the event tells about its record, by kind of change.
    private func record(
        _ entity: String, _ change: String, _ node: YAMLNode
    ) throws(FieldTyping.Problem) -> (known: Fields, changed: Fields) {
        if change != "update", let changed = node["changed"] {
            throw FieldTyping.Problem(
                node: changed, message: "'changed' is only for updates", hint: "the fields go to 'record'")
        }
        if change.hasPrefix("gap") || change == "overflow" {
            if let record = node["record"] {
                throw FieldTyping.Problem(
                    node: record, message: "a gap event carries no fields",
                    hint: "what reading the record back gives goes to 'records'")
            }
            return (Fields(), Fields())
        }
        let given = try fields(node, "record", entity)
        switch change {
        case "update":
            let changed = try fields(node, "changed", entity)
            // An enriched field that is empty looks like one that did not change.
            var known = Self.withoutNulls(given)
            for field in changed.fields { known[field.name] = Self.united(known[field.name], field.value) }
            return (inSchemaOrder(known, entity), changed)
        case "delete": return (inSchemaOrder(Self.withoutNulls(given), entity), Fields())
        default: return (completed(given, entity), Fields())
        }
    }

    private func fields(_ node: YAMLNode, _ key: String, _ entity: String) throws(FieldTyping.Problem) -> Fields {
        guard let value = node[key] else { return Fields() }
        return try typing.fields(value, of: entity)
    }

    private static func united(_ old: Value?, _ new: Value) -> Value {
        guard case .record(var fields)? = old, case .record(let later) = new else { return new }
        for field in later.fields { fields[field.name] = field.value }
        return .record(fields)
    }

    private static func withoutNulls(_ fields: Fields) -> Fields { Fields(fields.fields.filter { $0.value != .null }) }

    /// Everything is told: what the test does not list is empty, as far as a schema says what there is.
    private func completed(_ given: Fields, _ entity: String) -> Fields {
        guard let names = typing.fieldNames(of: entity) else { return given }
        return Fields(names.map { Fields.Field(name: $0, value: given[$0] ?? .null) })
    }

    private func inSchemaOrder(_ given: Fields, _ entity: String) -> Fields {
        guard let names = typing.fieldNames(of: entity) else { return given }
        return Fields(names.compactMap { name in given[name].map { Fields.Field(name: name, value: $0) } })
    }

    /// `Name`, `BillingAddress.City`
    private static func names(_ fields: Fields, below prefix: String) -> [String] {
        fields.fields.flatMap { field in
            if case .record(let inner) = field.value { return names(inner, below: prefix + field.name + ".") }
            return [prefix + field.name]
        }
    }

    private static func nulled(_ fields: Fields, below prefix: String) -> [String] {
        fields.fields.flatMap { field -> [String] in
            switch field.value {
            case .record(let inner): nulled(inner, below: prefix + field.name + ".")
            case .null: [prefix + field.name]
            default: []
            }
        }
    }
}
