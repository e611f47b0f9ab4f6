import Crypto
import Events

/// Writes a schema as Avro JSON, in full or in Parsing Canonical Form.
///
/// Source: Avro specification 1.11, "Parsing Canonical Form for Schemas".
struct SchemaText {
    private let canonical: Bool
    private var text = JSONText()
    /// Records already written; a later use is by name.
    private var defined: Set<String> = []

    private init(canonical: Bool) { self.canonical = canonical }

    static func full(kind: EmulatedSchema.Kind, name: String, fields: [EmulatedSchema.Field]) -> String {
        write(canonical: false, kind: kind, name: name, fields: fields)
    }

    /// The `schema_id` of the wire.
    static func fingerprint(kind: EmulatedSchema.Kind, name: String, fields: [EmulatedSchema.Field]) -> String {
        let form = write(canonical: true, kind: kind, name: name, fields: fields)
        return Base64.encodeURL(Array(Insecure.MD5.hash(data: Array(form.utf8))))
    }

    private static func write(
        canonical: Bool, kind: EmulatedSchema.Kind, name: String, fields: [EmulatedSchema.Field]
    ) -> String {
        var writer = SchemaText(canonical: canonical)
        writer.beginNamed(name, type: "record")
        if !canonical {
            writer.text.raw(#""namespace":"#)
            writer.text.string(EmulatedSchema.namespace)
            writer.text.raw(",")
        }
        writer.text.raw(#""fields":["#)
        if kind == .change { writer.header() }
        for (index, field) in fields.enumerated() {
            if index > 0 || kind == .change { writer.text.raw(",") }
            writer.field(field.name, field.type, isNullable: field.isNullable, doc: field.doc)
        }
        writer.text.raw("]}")
        return writer.text.string
    }

    private mutating func beginNamed(_ name: String, type: StaticString) {
        text.raw(#"{"name":"#)
        text.string(canonical ? "\(EmulatedSchema.namespace).\(name)" : name)
        text.raw(#","type":""#)
        text.raw(type)
        text.raw(#"","#)
    }

    private mutating func field(
        _ name: String, _ type: EmulatedSchema.FieldType, isNullable: Bool, doc: String? = nil
    ) {
        text.raw(#"{"name":"#)
        text.string(name)
        text.raw(#","type":"#)
        if isNullable { text.raw(#"["null","#) }
        if case .stringOrRecord = type { text.raw(#""string","#) }
        typeName(type)
        if isNullable { text.raw("]") }
        if !canonical {
            if let doc {
                text.raw(#","doc":"#)
                text.string(doc)
            }
            if isNullable { text.raw(#","default":null"#) }
        }
        text.raw("}")
    }

    private mutating func typeName(_ type: EmulatedSchema.FieldType) {
        switch type {
        case .string: text.raw(#""string""#)
        case .int: text.raw(#""int""#)
        case .long: text.raw(#""long""#)
        case .double: text.raw(#""double""#)
        case .boolean: text.raw(#""boolean""#)
        case .record(let compound), .stringOrRecord(let compound): record(compound)
        }
    }

    private mutating func record(_ compound: EmulatedSchema.Compound) {
        guard defined.insert(compound.name).inserted else {
            text.string(canonical ? "\(EmulatedSchema.namespace).\(compound.name)" : compound.name)
            return
        }
        beginNamed(compound.name, type: "record")
        text.raw(#""fields":["#)
        for (index, component) in compound.fields.enumerated() {
            if index > 0 { text.raw(",") }
            field(component.name, component.type, isNullable: true)
        }
        text.raw("]}")
    }
}

extension SchemaText {
    private mutating func header() {
        text.raw(#"{"name":"ChangeEventHeader","type":"#)
        beginNamed("ChangeEventHeader", type: "record")
        text.raw(#""fields":[{"name":"entityName","type":"string"},"#)
        text.raw(#"{"name":"recordIds","type":"#)
        stringArray()
        text.raw(#"},{"name":"changeType","type":"#)
        beginNamed("ChangeType", type: "enum")
        text.raw(#""symbols":["CREATE","UPDATE","DELETE","UNDELETE","GAP_CREATE","GAP_UPDATE","GAP_DELETE","#)
        text.raw(#""GAP_UNDELETE","GAP_OVERFLOW","SNAPSHOT"]}},{"name":"changeOrigin","type":"string"},"#)
        text.raw(#"{"name":"transactionKey","type":"string"},{"name":"sequenceNumber","type":"int"},"#)
        text.raw(#"{"name":"commitTimestamp","type":"long"},{"name":"commitNumber","type":"long"},"#)
        text.raw(#"{"name":"commitUser","type":"string"},{"name":"nulledFields","type":"#)
        stringArray()
        text.raw(#"},{"name":"diffFields","type":"#)
        stringArray()
        text.raw(#"},{"name":"changedFields","type":"#)
        stringArray()
        text.raw("}]}")
        if !canonical { text.raw(#","doc":"Data:ComplexValueType""#) }
        text.raw("}")
    }

    private mutating func stringArray() { text.raw(#"{"type":"array","items":"string"}"#) }
}
