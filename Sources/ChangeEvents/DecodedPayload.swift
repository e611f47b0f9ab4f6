import Avro
import Events

/// One event's payload, walked once: where each field stands, and the header. The events that a merged change is split
/// into share it.
package final class DecodedPayload: Sendable {
    package let schema: EventSchema
    /// As received.
    package let payload: [UInt8]
    /// Nil for platform events.
    let lists: FieldLists?
    /// The lists hold something that takes or gives a field its state.
    let hasNulledOrDiff: Bool
    /// Every element of the lists stands for a slot.
    let hasReadableLists: Bool
    /// By top-level field.
    private let marks: FieldMarks

    /// Checks every byte, so that nothing read later can fail.
    ///
    /// - Parameters:
    ///   - header: filled for change events. It is not kept here: events own their headers.
    ///   - recent: of the event before this one.
    init(
        _ payload: [UInt8], schema: EventSchema, header: inout ChangeEventHeader, recent: inout RecentHeader
    ) throws(AvroDecodeError) {
        let marks = try schema.decoder.scan(payload, openEnums: true)
        if let layout = schema.header {
            let start = Int(marks[layout.field]) - 1
            var lists = FieldLists()
            try schema.decoder.read(payload, at: start, openEnums: true) { (reader) throws(DecodeFailure) in
                try layout.read(&reader, fields: schema.fields, into: &header, &lists, &recent)
            }
            hasNulledOrDiff = !lists.nulled.isEmpty || !lists.diff.isEmpty
            hasReadableLists = lists.nulled.unread.isEmpty && lists.diff.unread.isEmpty && lists.changed.unread.isEmpty
            self.lists = lists
        } else {
            lists = nil
            hasNulledOrDiff = false
            hasReadableLists = true
        }
        self.schema = schema
        self.payload = payload
        self.marks = marks
    }

    /// Bits of the three field lists that stand for no field of the schema, and list elements beyond the limit.
    package var ignoredBits: Int {
        lists.map { $0.nulled.ignored + $0.diff.ignored + $0.changed.ignored } ?? 0
    }

    /// A top-level field as Avro has it, before its `doc` is heeded.
    func rawValue(_ field: Int) -> Value {
        let mark = marks[field]
        guard mark != 0 else { return .null }
        do {
            return try schema.decoder.value(
                payload, type: schema.fields.slots[field].type, mark: mark, openEnums: true)
        } catch {
            preconditionFailure("a field that was checked cannot be read: \(error)")
        }
    }

    func isPlainlyNull(_ field: Int) -> Bool { marks[field] == 0 }

    /// A top-level field that has a value, where it lies.
    ///
    /// - Returns: false, without a call, for a union of other branches than null and one type.
    func withCell(_ field: Int, _ body: (FieldCell) -> Void) -> Bool {
        let node = schema.fieldPlan[field]
        if node.kind == .union || node.kind == .null { return false }
        do {
            try schema.decoder.read(payload, at: Int(marks[field]) - 1, openEnums: true) {
                (reader) throws(DecodeFailure) in
                if node.isOptional { _ = try reader.long() }
                switch node.kind {
                case .string: body(.text(try reader.utf8()))
                case .record, .array, .map, .bytes, .fixed: body(.other)
                default:
                    let value = try reader.value(Int(node.node))
                    FieldCell.withCell(of: schema.fields.slots[field].meaning.typed(value), body)
                }
            }
        } catch {
            preconditionFailure("a field that was checked cannot be read: \(error)")
        }
        return true
    }

    /// `ChangeEventHeader` as received: bitmaps undecoded.
    package var rawHeader: Value? { schema.header.map { rawValue($0.field) } }
}
