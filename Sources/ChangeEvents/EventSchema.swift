import Avro
import Events

/// A writer schema made ready for events: compiled once, shared by all events that name it.
package final class EventSchema: Sendable {
    package let id: String
    package let schema: Schema
    package let decoder: AvroDecoder
    /// Record name without its namespace: `AccountChangeEvent`, `Order_Ready__e`.
    package let name: String
    /// Top-level fields, the header included, and the components of compound fields.
    let fields: FieldTable
    /// Nil for platform events.
    let header: HeaderLayout?
    /// By top-level field: how it is laid out. Lies in the decoder's plan, which lives as long as this.
    let fieldPlan: FieldPlan

    package var isChangeEvent: Bool { header != nil }

    /// - Parameters:
    ///   - json: `SchemaInfo.schema_json`.
    ///   - id: the `schema_id` it was asked for by; must be its fingerprint.
    package convenience init(json: String, id: String) throws(EventSchemaError) {
        let schema: Schema
        do { schema = try Schema(json: json) } catch {
            throw EventSchemaError(id: id, reason: .invalid(error))
        }
        let fingerprint = schema.fingerprint
        guard fingerprint == id else { throw EventSchemaError(id: id, reason: .fingerprint(actual: fingerprint)) }
        try self.init(schema, id: id)
    }

    /// - Parameter id: trusted to be the fingerprint of `schema`.
    package init(_ schema: Schema, id: String) throws(EventSchemaError) {
        guard let record = schema.rootRecord else { throw EventSchemaError(id: id, reason: .notARecord) }
        guard FieldTable.slots(record, in: schema) <= FieldTable.maximumSlots else {
            throw EventSchemaError(id: id, reason: .tooManyFields)
        }
        self.id = id
        self.schema = schema
        name = String(record.name)
        decoder = AvroDecoder(schema)
        fields = FieldTable(record, in: schema)
        header = try HeaderLayout(record, in: schema, id: id)
        fieldPlan = FieldPlan(decoder.plan)
    }
}

/// The top-level fields of a plan, without a reference to count.
///
/// Sendable although it holds a pointer: the plan's tables never change, and the schema that owns this owns the plan.
struct FieldPlan: @unchecked Sendable {
    private let fields: UnsafePointer<Plan.Field>?

    init(_ plan: Plan) {
        fields = plan.fields.baseAddress.map { $0 + Int(plan.nodes[plan.root].first) }
    }

    /// - Precondition: `field` is a top-level field of the schema; a record without fields has none to ask for.
    subscript(field: Int) -> Plan.Field { fields![field] }
}

/// Why a schema cannot be used for events.
package struct EventSchemaError: Error, Equatable, CustomStringConvertible {
    /// What was read is not the text that was asked for, or not whole.
    package var isOfText: Bool {
        switch reason {
        case .invalid, .fingerprint: true
        case .notARecord, .tooManyFields, .header: false
        }
    }

    package enum Reason: Sendable, Equatable {
        case invalid(AvroSchemaError)
        /// The text is another schema than the one asked for.
        case fingerprint(actual: String)
        case notARecord
        /// Those of a compound count for each field that is one.
        case tooManyFields
        /// A field of `ChangeEventHeader` is missing or of an unusable type.
        case header(field: String)
    }

    /// The `schema_id`.
    package var id: String
    package var reason: Reason

    package init(id: String, reason: Reason) {
        self.id = id
        self.reason = reason
    }

    package var description: String {
        switch reason {
        case .invalid(let error): "cannot use schema \(id): \(error)"
        case .fingerprint(let actual):
            "cannot use schema \(id): the text received has the fingerprint \(actual); it was changed on the way, "
                + "or belongs to another schema"
        case .notARecord: "cannot use schema \(id): its outermost type is not a record"
        case .tooManyFields:
            "cannot use schema \(id): it has more than \(FieldTable.maximumSlots) fields, those of compound fields counted for "
                + "each of them"
        case .header(let field):
            "cannot use schema \(id): ChangeEventHeader.\(field) is missing or has an unexpected type"
        }
    }
}
