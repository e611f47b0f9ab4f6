import Events

/// Reads payloads written with one schema: bare Avro binary, one value, nothing before or after it.
///
/// Made once per schema and shared. Any bytes at all give a value or an error.
package struct AvroDecoder: Sendable {
    package let plan: Plan

    package init(_ schema: Schema) { plan = Plan(schema) }

    /// Walks the whole payload, building nothing.
    package func check(_ payload: [UInt8]) throws(AvroDecodeError) {
        try read(payload) { (reader) throws(DecodeFailure) in
            try reader.skip(plan.root)
            try reader.expectEnd()
        }
    }

    /// Walks the payload of a record and notes where its fields stand, so that single ones can be read later.
    ///
    /// - Parameter openEnums: pass over enum numbers that have no symbol.
    package func scan(_ payload: [UInt8], openEnums: Bool = false) throws(AvroDecodeError) -> FieldMarks {
        let node = plan.nodes[plan.root]
        precondition(node.kind == .record, "only a record has fields to mark")
        let marks = FieldMarks(count: Int(node.count))
        try read(payload, openEnums: openEnums) { (reader) throws(DecodeFailure) in
            try reader.skipRecord(node, marks: marks.memory.baseAddress)
            try reader.expectEnd()
        }
        return marks
    }

    package func value(_ payload: [UInt8]) throws(AvroDecodeError) -> Value {
        try read(payload) { (reader) throws(DecodeFailure) in
            let value = try reader.value(plan.root)
            try reader.expectEnd()
            return value
        }
    }

    /// One field of a payload that `scan` went over.
    ///
    /// - Parameters:
    ///   - type: the field's type in the schema.
    ///   - mark: as `scan` set it.
    package func value(
        _ payload: [UInt8], type: Schema.TypeID, mark: UInt32, openEnums: Bool = false
    ) throws(AvroDecodeError) -> Value {
        guard mark > 0 else { return .null }
        return try read(payload, at: Int(mark) - 1, openEnums: openEnums) { (reader) throws(DecodeFailure) in
            try reader.value(type)
        }
    }

    /// - Parameter output: keeps what it held; on an error it also holds an unusable rest.
    package func appendJSON(_ payload: [UInt8], to output: inout JSONBuffer) throws(AvroDecodeError) {
        try read(payload) { (reader) throws(DecodeFailure) in
            try reader.json(plan.root, &output)
            try reader.expectEnd()
        }
    }

    package func json(_ payload: [UInt8]) throws(AvroDecodeError) -> [UInt8] {
        var output = JSONBuffer()
        try appendJSON(payload, to: &output)
        return output.bytes
    }

    /// Reads from some place of a payload.
    ///
    /// - Parameter offset: the place of a value as `scan` found it.
    @inline(__always)
    package func read<Result>(
        _ payload: [UInt8], at offset: Int = 0, openEnums: Bool = false,
        _ body: (inout PayloadReader) throws(DecodeFailure) -> Result
    ) throws(AvroDecodeError) -> Result {
        do throws(DecodeFailure) {
            return try payload.span.bytes.withUnsafeBytes { (bytes) throws(DecodeFailure) in
                var reader = PayloadReader(plan, bytes, openEnums: openEnums)
                try reader.move(to: offset)
                return try body(&reader)
            }
        } catch {
            throw plan.error(error)
        }
    }
}

extension PayloadReader {
    mutating func expectEnd() throws(DecodeFailure) {
        guard position == end else { throw failure(.trailingBytes) }
    }

    mutating func move(to offset: Int) throws(DecodeFailure) {
        guard end - base <= DecodeLimits.payloadBytes else { throw failure(.tooManyItems) }
        guard offset >= 0, offset <= end - base else { throw failure(.truncated) }
        position = base + offset
    }
}
