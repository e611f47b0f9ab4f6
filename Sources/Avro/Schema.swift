import Events

/// A parsed Avro schema: a table of types that refer to each other by number, so that recursive types need no cycles of
/// references.
///
/// Defaults, aliases, orders and logical types are read over: none of them changes how bytes written with this schema
/// are read.
package struct Schema: Sendable, Equatable {
    /// An index into `types`.
    package typealias TypeID = Int

    package enum TypeKind: Sendable, Equatable {
        case primitive(Primitive)
        case array(items: TypeID)
        case map(values: TypeID)
        case union([TypeID])
        case record(Record)
        case enumeration(Enumeration)
        case fixed(Fixed)
    }

    package enum Primitive: String, Sendable, CaseIterable {
        case null, boolean, int, long, float, double, bytes, string
    }

    /// A record or an error.
    package struct Record: Sendable, Equatable {
        /// With its namespace, if it has one: `com.sforce.eventbus.Address`.
        package var fullName: String
        package var fields: [Field]
    }

    package struct Field: Sendable, Equatable {
        package var name: String
        package var type: TypeID
        /// The only carrier of Salesforce's own type: `Data:DateTime`. Empty if there is none.
        package var doc: String
    }

    package struct Enumeration: Sendable, Equatable {
        package var fullName: String
        package var symbols: [String]
    }

    package struct Fixed: Sendable, Equatable {
        package var fullName: String
        /// In bytes.
        package var size: Int
    }

    package let types: [TypeKind]
    package let root: TypeID

    package subscript(type: TypeID) -> TypeKind { types[type] }

    /// The root if it is a record.
    package var rootRecord: Record? {
        if case .record(let record) = types[root] { record } else { nil }
    }

    /// - Parameter json: Avro JSON text, UTF-8.
    package init(json: some Collection<UInt8>) throws(AvroSchemaError) {
        let text = Array(json)
        guard text.count <= SchemaLimits.textBytes else {
            throw AvroSchemaError(path: "", reason: "the schema is longer than \(SchemaLimits.textBytes) bytes")
        }
        let value: Value
        do { value = try JSONReader.parse(text) } catch {
            throw AvroSchemaError(path: "", reason: "the schema is \(error)")
        }
        try self.init(value)
    }

    package init(json: String) throws(AvroSchemaError) { try self.init(json: json.utf8) }

    /// From JSON that was read already.
    package init(_ json: Value) throws(AvroSchemaError) {
        var parser = SchemaParser()
        root = try parser.type(json, SchemaParser.Scope())
        types = parser.types
    }
}

/// What a schema may cost. Salesforce's largest are far below: a thousand fields, three levels.
enum SchemaLimits {
    static let textBytes = 8 << 20
    /// Types inside types.
    static let depth = 100
    /// Fields of all records together; the decoder numbers them with 16 bits.
    static let fields = 65_000
    /// The largest `size` of a fixed type; a payload is never longer.
    static let fixedBytes = 1 << 30
}

/// Why a text is not an Avro schema.
package struct AvroSchemaError: Error, Equatable, CustomStringConvertible {
    /// Where: `com.sforce.eventbus.AccountChangeEvent.BillingAddress`. Empty at the top.
    package var path: String
    package var reason: String

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    package var description: String {
        path.isEmpty ? "invalid Avro schema: \(reason)" : "invalid Avro schema at \(path): \(reason)"
    }
}

extension Schema.Record {
    /// Without the namespace.
    package var name: Substring {
        fullName.utf8.lastIndex(of: UInt8(ascii: ".")).map { fullName[fullName.utf8.index(after: $0)...] }
            ?? fullName[...]
    }
}
