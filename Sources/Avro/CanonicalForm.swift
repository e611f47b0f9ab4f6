import Crypto
import Events

extension Schema {
    /// The Parsing Canonical Form: full names, no documentation or defaults, keys in a fixed order, no white space.
    ///
    /// Source: Avro 1.12 specification, "Parsing Canonical Form for Schemas".
    package var canonicalForm: String {
        var writer = CanonicalWriter(schema: self)
        writer.write(root)
        return writer.text.string
    }

    /// What Salesforce uses as `schema_id`: MD5 of the canonical form, base64url, 22 characters.
    package var fingerprint: String {
        var writer = CanonicalWriter(schema: self)
        writer.write(root)
        return Base64.encodeURL(Array(Insecure.MD5.hash(data: writer.text.bytes)))
    }
}

private struct CanonicalWriter {
    let schema: Schema
    var text = JSONText()
    /// Named types are written out where they stand first, and by name from then on.
    private var written: Set<Schema.TypeID> = []

    init(schema: Schema) { self.schema = schema }

    mutating func write(_ type: Schema.TypeID) {
        switch schema[type] {
        case .primitive(let primitive): text.string(primitive.rawValue)
        case .array(let items): container("array", "items", items)
        case .map(let values): container("map", "values", values)
        case .union(let branches): list(branches) { $0.write($1) }
        case .record(let record):
            named(record.fullName, type, "record") { writer in
                writer.text.raw(",\"fields\":")
                writer.list(record.fields) { $0.field($1) }
            }
        case .enumeration(let enumeration):
            named(enumeration.fullName, type, "enum") { writer in
                writer.text.raw(",\"symbols\":")
                writer.list(enumeration.symbols) { $0.text.string($1) }
            }
        case .fixed(let fixed):
            named(fixed.fullName, type, "fixed") { writer in
                writer.text.raw(",\"size\":")
                writer.text.int(Int64(fixed.size))
            }
        }
    }

    private mutating func named(
        _ fullName: String, _ type: Schema.TypeID, _ kind: String, body: (inout CanonicalWriter) -> Void
    ) {
        guard written.insert(type).inserted else { return text.string(fullName) }
        text.raw("{\"name\":")
        text.string(fullName)
        text.raw(",\"type\":")
        text.string(kind)
        body(&self)
        text.raw("}")
    }

    private mutating func field(_ field: Schema.Field) {
        text.raw("{\"name\":")
        text.string(field.name)
        text.raw(",\"type\":")
        write(field.type)
        text.raw("}")
    }

    private mutating func container(_ kind: String, _ key: String, _ inner: Schema.TypeID) {
        text.raw("{\"type\":")
        text.string(kind)
        text.raw(",")
        text.string(key)
        text.raw(":")
        write(inner)
        text.raw("}")
    }

    private mutating func list<Element>(
        _ elements: [Element], _ write: (inout CanonicalWriter, Element) -> Void
    ) {
        text.raw("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { text.raw(",") }
            write(&self, element)
        }
        text.raw("]")
    }
}
