/// A whole event as JSON and back: what `tap` writes, what tests of rules read, what an open batch keeps.
///
/// A field that the event does not tell is left out, one that it tells to be empty is null. JSON has fewer kinds of values
/// than Salesforce: `types` names those fields whose kind the text does not show, so that nothing changes on the way.
public struct RecordedEvent: Sendable {
    public var event: Event
    /// `event.change`, as its rule takes it.
    public var change: String

    /// - Parameter keepsRecord: otherwise the fields of the record are left out.
    public init(_ event: Event, change: String? = nil, keepsRecord: Bool = true) {
        self.event = event
        self.change = change ?? event.change
        if !keepsRecord { self.event.record = KnownFields(Fields()) }
    }

    // MARK: Writing

    public var json: [UInt8] {
        var json = JSONText()
        json.value(value)
        return json.bytes
    }

    public var value: Value {
        var types = Fields()
        let record = Self.plain(event.record.known(), below: "", &types)
        var fields: Fields = [
            "id": .string(event.id), "kind": .string(event.kind.rawValue), "entity": .string(event.entity),
            "change": .string(change), "topic": .string(event.topic),
            "replayId": .string(event.replayID.description), "schemaId": .string(event.schemaID),
            "time": .timestamp(event.time), "receivedAt": .timestamp(event.receivedAt),
            "recordId": .string(event.recordID),
            "org": .record([
                "id": .string(event.org.id), "alias": .string(event.org.alias),
                "instanceUrl": .string(event.org.instanceURL), "sandbox": .bool(event.org.isSandbox),
            ]),
        ]
        if let replay = event.replay { fields.append("replay", .string(replay)) }
        if event.fetched { fields.append("fetched", .bool(true)) }
        if let header = event.header { fields.append("header", .record(Self.fields(of: header))) }
        fields.append("record", .record(record))
        if !types.isEmpty { fields.append("types", .record(types)) }
        return .record(fields)
    }

    private static func fields(of header: ChangeEventHeader) -> Fields {
        func list(_ texts: [String]) -> Value { .list(texts.map(Value.string)) }
        return [
            "entityName": .string(header.entityName), "recordIds": list(header.recordIds),
            "changeType": .string(header.changeType.symbol), "changeOrigin": .string(header.changeOrigin),
            "transactionKey": .string(header.transactionKey), "sequenceNumber": .int(header.sequenceNumber),
            "commitTimestamp": .int(header.commitTimestamp), "commitNumber": .int(header.commitNumber),
            "commitUser": .string(header.commitUser), "nulledFields": list(header.nulledFields),
            "diffFields": list(header.diffFields), "changedFields": list(header.changedFields),
        ]
    }

    private static func plain(_ fields: Fields, below prefix: String, _ types: inout Fields) -> Fields {
        var plain = Fields()
        for field in fields.fields {
            let path = prefix + field.name
            switch field.value {
            case .record(let inner): plain.append(field.name, .record(self.plain(inner, below: path + ".", &types)))
            case .timestamp:
                types.append(path, .string("timestamp"))
                plain.append(field.name, field.value)
            case .bytes:
                types.append(path, .string("bytes"))
                plain.append(field.name, field.value)
            case .double(let number) where number == number.rounded():
                types.append(path, .string("double"))
                plain.append(field.name, field.value)
            default: plain.append(field.name, field.value)
            }
        }
        return plain
    }

    // MARK: Reading

    /// - Throws: `RecordedEventError` that says which part is not as it should be.
    public init(json: [UInt8]) throws(RecordedEventError) {
        let value: Value
        do {
            value = try JSONReader.parse(json)
        } catch {
            throw RecordedEventError(reason: "it is not JSON: \(error)")
        }
        try self.init(value)
    }

    public init(_ value: Value) throws(RecordedEventError) {
        guard case .record(let fields) = value else { throw RecordedEventError(reason: "it is not a JSON object") }
        let reader = Reader(fields: fields)
        let header = try reader.record("header").map(Self.header)
        guard let replayID = ReplayID(base64: try reader.text("replayId")) else {
            throw RecordedEventError(reason: "'replayId' is not base64")
        }
        let org = Reader(fields: try reader.record("org") ?? Fields())
        let types = try reader.record("types") ?? Fields()
        let record = try reader.record("record") ?? Fields()
        event = Event(
            id: try reader.text("id"), kind: header == nil ? .platform : .change, entity: try reader.text("entity"),
            topic: try reader.text("topic"), replayID: replayID, schemaID: try reader.text("schemaId"),
            time: try reader.time("time"), receivedAt: try reader.time("receivedAt"), header: header,
            recordID: try reader.text("recordId"),
            record: KnownFields(Self.typed(record, below: "", types)),
            org: Org(
                id: try org.text("id"), alias: try org.text("alias"), instanceURL: org.optionalText("instanceUrl") ?? "",
                isSandbox: org.fields["sandbox"] == .bool(true)))
        event.replay = reader.optionalText("replay")
        event.fetched = fields["fetched"] == .bool(true)
        change = reader.optionalText("change") ?? event.change
    }

    private static func header(_ fields: Fields) throws(RecordedEventError) -> ChangeEventHeader {
        let reader = Reader(fields: fields)
        return ChangeEventHeader(
            entityName: try reader.text("entityName"), recordIds: reader.texts("recordIds"),
            changeType: ChangeType(symbol: try reader.text("changeType")),
            changeOrigin: reader.optionalText("changeOrigin") ?? "",
            transactionKey: reader.optionalText("transactionKey") ?? "",
            sequenceNumber: reader.int("sequenceNumber"), commitTimestamp: reader.int("commitTimestamp"),
            commitNumber: reader.int("commitNumber"), commitUser: reader.optionalText("commitUser") ?? "",
            nulledFields: reader.texts("nulledFields"), diffFields: reader.texts("diffFields"),
            changedFields: reader.texts("changedFields"))
    }

    private static func typed(_ fields: Fields, below prefix: String, _ types: Fields) -> Fields {
        Fields(
            fields.fields.map { field in
                let path = prefix + field.name
                if case .record(let inner) = field.value {
                    return Fields.Field(name: field.name, value: .record(typed(inner, below: path + ".", types)))
                }
                return Fields.Field(name: field.name, value: typed(field.value, types[path]))
            })
    }

    private static func typed(_ value: Value, _ type: Value?) -> Value {
        switch (type, value) {
        case (.string("timestamp"), .string(let text)): Timestamp.milliseconds(rfc3339: text).map(Value.timestamp) ?? value
        case (.string("bytes"), .string(let text)): Base64.decode(text).map(Value.bytes) ?? value
        case (.string("double"), .int(let number)): .double(Double(number))
        default: value
        }
    }

    private struct Reader {
        let fields: Fields

        func text(_ name: String) throws(RecordedEventError) -> String {
            guard let text = optionalText(name) else { throw RecordedEventError(reason: "'\(name)' is missing or not text") }
            return text
        }

        func optionalText(_ name: String) -> String? {
            if case .string(let text)? = fields[name] { text } else { nil }
        }

        func texts(_ name: String) -> [String] {
            guard case .list(let values)? = fields[name] else { return [] }
            return values.compactMap { if case .string(let text) = $0 { text } else { nil } }
        }

        func int(_ name: String) -> Int64 { if case .int(let number)? = fields[name] { number } else { 0 } }

        func time(_ name: String) throws(RecordedEventError) -> Int64 {
            guard let time = Timestamp.milliseconds(rfc3339: try text(name)) else {
                throw RecordedEventError(reason: "'\(name)' is not a time")
            }
            return time
        }

        func record(_ name: String) throws(RecordedEventError) -> Fields? {
            switch fields[name] {
            case nil, .null?: return nil
            case .record(let fields)?: return fields
            default: throw RecordedEventError(reason: "'\(name)' is not an object")
            }
        }
    }
}

/// Why JSON is not a recorded event.
public struct RecordedEventError: Error, CustomStringConvertible {
    public var reason: String

    public var description: String { "not a recorded event: \(reason)" }
}

/// A record of which everything that is known is at hand.
public struct KnownFields: RecordView, Equatable {
    public var fields: Fields

    public init(_ fields: Fields) { self.fields = fields }

    public func value(at path: [String]) -> Value? {
        var value: Value? = .record(fields)
        for name in path {
            switch value {
            case .record(let inner): value = inner[name]
            case .null: return .null
            default: return nil
            }
        }
        return value
    }

    public func known() -> Fields { fields }
}
