import Avro
import Events

/// Where the parts of `ChangeEventHeader` stand in a schema. They are found by name: their order is nobody's promise.
struct HeaderLayout: Sendable {
    static let fieldName = "ChangeEventHeader"

    enum Part: String, Sendable, CaseIterable {
        case entityName, recordIds, changeType, changeOrigin, transactionKey, sequenceNumber, commitTimestamp
        case commitNumber, commitUser, nulledFields, diffFields, changedFields
    }

    struct Member: Sendable {
        /// Nil: not known, passed over.
        var part: Part?
        var type: Schema.TypeID
    }

    /// The top-level field that holds the header.
    let field: Int
    let members: [Member]
    /// By the number of the symbol.
    let changeTypes: [ChangeType]

    /// - Returns: nil if the record has no header: a platform event.
    init?(_ record: Schema.Record, in schema: Schema, id: String) throws(EventSchemaError) {
        guard let field = record.fields.firstIndex(where: { $0.name == Self.fieldName }) else { return nil }
        guard case .record(let header) = schema[record.fields[field].type] else {
            throw EventSchemaError(id: id, reason: .header(field: "*"))
        }
        self.field = field
        members = header.fields.map { Member(part: Part(rawValue: $0.name), type: $0.type) }
        changeTypes = header.fields.lazy.compactMap { field -> [ChangeType]? in
            guard field.name == Part.changeType.rawValue, case .enumeration(let symbols) = schema[field.type] else {
                return nil
            }
            return symbols.symbols.map(ChangeType.init(symbol:))
        }.first ?? []
        for part in Part.allCases {
            let member = members.first { $0.part == part }
            guard let member else {
                guard part != .entityName, part != .recordIds, part != .changeType else {
                    throw EventSchemaError(id: id, reason: .header(field: part.rawValue))
                }
                continue
            }
            guard part.accepts(member.type, in: schema) else {
                throw EventSchemaError(id: id, reason: .header(field: part.rawValue))
            }
        }
    }
}

extension HeaderLayout.Part {
    fileprivate func accepts(_ type: Schema.TypeID, in schema: Schema) -> Bool {
        switch (self, schema[type]) {
        case (.entityName, .primitive(.string)), (.changeOrigin, .primitive(.string)),
            (.transactionKey, .primitive(.string)), (.commitUser, .primitive(.string)):
            true
        case (.sequenceNumber, .primitive(.int)), (.sequenceNumber, .primitive(.long)),
            (.commitTimestamp, .primitive(.long)), (.commitNumber, .primitive(.long)),
            (.commitNumber, .primitive(.int)):
            true
        case (.changeType, .enumeration): true
        case (.recordIds, .array(let items)), (.nulledFields, .array(let items)), (.diffFields, .array(let items)),
            (.changedFields, .array(let items)):
            schema[items] == .primitive(.string)
        default: false
        }
    }
}
