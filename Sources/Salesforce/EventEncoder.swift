import Avro
import Events

/// JSON-like values → the Avro payload of a platform event.
package struct EventEncoder: Sendable {
    private let schema: Schema
    private let record: Schema.Record

    /// - Parameter json: Avro JSON of the topic's schema.
    package init(schemaJSON json: String) throws(EventEncodingError) {
        let schema: Schema
        do throws(AvroSchemaError) { schema = try Schema(json: json) } catch { throw EventEncodingError("\(error)") }
        guard let record = schema.rootRecord else { throw EventEncodingError("the topic's schema is no record") }
        self.schema = schema
        self.record = record
    }

    /// API names of the fields, in schema order.
    package var fieldNames: [String] { record.fields.map(\.name) }

    /// - Parameter values: fields that are left out become null; a field the event does not have is an error. Times are
    ///   `.timestamp` or text as the REST API has it.
    package func payload(_ values: Fields) throws(EventEncodingError) -> [UInt8] {
        var writer = AvroPayload()
        try encode(.record(values), .record(record), doc: "", path: "", into: &writer)
        return writer.bytes
    }

    private func encode(
        _ value: Value, _ type: Schema.TypeKind, doc: String, path: String, into writer: inout AvroPayload
    ) throws(EventEncodingError) {
        switch (type, value) {
        case (.union(let branches), _):
            guard let index = branches.firstIndex(where: { accepts(value, schema[$0], doc) }) else {
                throw mismatch(value, path)
            }
            writer.long(Int64(index))
            try encode(value, schema[branches[index]], doc: doc, path: path, into: &writer)
        case (.primitive(let primitive), _): try encode(value, primitive, doc, path, &writer)
        case (.record(let record), .record(let fields)): try encode(fields, record, path, &writer)
        case (.array(let items), .list(let values)):
            if !values.isEmpty { writer.long(Int64(values.count)) }
            for value in values { try encode(value, schema[items], doc: doc, path: path, into: &writer) }
            writer.long(0)
        case (.enumeration(let enumeration), .string(let symbol)):
            guard let index = enumeration.symbols.firstIndex(of: symbol) else { throw mismatch(value, path) }
            writer.long(Int64(index))
        default: throw mismatch(value, path)
        }
    }

    private func encode(
        _ values: Fields, _ record: Schema.Record, _ path: String, _ writer: inout AvroPayload
    ) throws(EventEncodingError) {
        if let stranger = values.fields.first(where: { field in !record.fields.contains { $0.name == field.name } }) {
            let near = record.fields.first { $0.name.lowercased() == stranger.name.lowercased() }
            throw EventEncodingError(
                "\(record.name) has no field \(stranger.name)" + (near.map { "; did you mean \($0.name)?" } ?? ""))
        }
        for field in record.fields {
            try encode(
                values[field.name] ?? .null, schema[field.type], doc: field.doc,
                path: path.isEmpty ? field.name : "\(path).\(field.name)", into: &writer)
        }
    }

    private func encode(
        _ value: Value, _ primitive: Schema.Primitive, _ doc: String, _ path: String, _ writer: inout AvroPayload
    ) throws(EventEncodingError) {
        switch (primitive, value) {
        case (.null, .null): break
        case (.boolean, .bool(let flag)): writer.byte(flag ? 1 : 0)
        case (.int, .int(let number)) where Int32(exactly: number) != nil: writer.long(number)
        case (.long, .int(let number)), (.long, .timestamp(let number)): writer.long(number)
        case (.long, .string(let text)):
            guard let time = Self.milliseconds(text, doc) else { throw mismatch(value, path) }
            writer.long(time)
        case (.double, .double(let number)): writer.double(number)
        case (.double, .int(let number)): writer.double(Double(number))
        case (.float, .double(let number)): writer.float(Float(number))
        case (.float, .int(let number)): writer.float(Float(number))
        case (.string, .string(let text)): writer.bytes(Array(text.utf8))
        case (.bytes, .bytes(let content)): writer.bytes(content)
        default: throw mismatch(value, path)
        }
    }

    private func accepts(_ value: Value, _ type: Schema.TypeKind, _ doc: String) -> Bool {
        switch (type, value) {
        case (.primitive(.null), .null), (.primitive(.boolean), .bool), (.primitive(.string), .string): true
        case (.primitive(.int), .int), (.primitive(.long), .int), (.primitive(.long), .timestamp): true
        case (.primitive(.double), .int), (.primitive(.double), .double): true
        case (.primitive(.float), .int), (.primitive(.float), .double), (.primitive(.bytes), .bytes): true
        case (.primitive(.long), .string(let text)): Self.milliseconds(text, doc) != nil
        case (.record, .record), (.array, .list), (.enumeration, .string): true
        default: false
        }
    }

    /// By the Salesforce type in the field's `doc`.
    private static func milliseconds(_ text: String, _ doc: String) -> Int64? {
        let type = doc.split(separator: ":").dropFirst().first
        return switch type {
        case "DateTime"?: Timestamp.milliseconds(rfc3339: text)
        case "DateOnly"?: Timestamp.milliseconds(rfc3339: text + "T00:00:00Z")
        case "TimeOnly"?: Timestamp.milliseconds(rfc3339: "1970-01-01T\(text.hasSuffix("Z") ? text : text + "Z")")
        default: nil
        }
    }

    private func mismatch(_ value: Value, _ path: String) -> EventEncodingError {
        let form =
            switch value {
            case .null: "no value"
            case .bool: "true or false"
            case .int, .double: "a number"
            case .string: "text"
            case .bytes: "bytes"
            case .timestamp: "a time"
            case .list: "a list"
            case .record: "a map"
            }
        return EventEncodingError("the field \(path) cannot be \(form)")
    }
}

package struct EventEncodingError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Appends Avro binary. Source: Avro 1.12 specification, "Binary Encoding".
private struct AvroPayload {
    private(set) var bytes: [UInt8] = []

    mutating func byte(_ byte: UInt8) { bytes.append(byte) }

    /// Zigzag, seven bits a byte, low bits first; for `int` as well.
    mutating func long(_ value: Int64) {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func double(_ value: Double) {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func float(_ value: Float) {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func bytes(_ content: [UInt8]) {
        long(Int64(content.count))
        bytes += content
    }
}
