import Avro
import Events

/// The fields of an event's schema by number and by name.
///
/// A *slot* numbers what a bitmap can name: first the top-level fields in schema order, then the components of each
/// compound field. A class, so that looking something up counts no references.
final class FieldTable: Sendable {
    struct Slot: Sendable {
        /// The Avro type.
        var type: Schema.TypeID
        var meaning: FieldMeaning
        /// Slots of the components, if one branch of the type is a record; else empty.
        var components: Range<Int>
    }

    /// Slots of the top-level fields: `0..<topLevelCount`.
    let topLevelCount: Int
    let slots: [Slot]
    /// `Name`, …, `Street`, …
    let names: [String]
    /// `Name`, …, `BillingAddress.Street`, …
    let fullNames: [String]
    let shape: RecordShape

    /// Of all fields, those of compounds for each field that is one: a type may be named by many.
    static let maximumSlots = 65_000

    static func slots(_ record: Schema.Record, in schema: Schema) -> Int {
        record.fields.reduce(record.fields.count) { $0 + (schema.record(in: $1.type)?.fields.count ?? 0) }
    }

    /// - Precondition: no more than `maximumSlots`.
    init(_ record: Schema.Record, in schema: Schema) {
        var fields = record.fields
        var slots = fields.map { Slot(type: $0.type, meaning: FieldMeaning(doc: $0.doc), components: 0..<0) }
        var fullNames = fields.map(\.name)
        for (index, field) in record.fields.enumerated() where field.name != HeaderLayout.fieldName {
            guard let compound = schema.record(in: field.type) else { continue }
            slots[index].components = slots.count..<slots.count + compound.fields.count
            for child in compound.fields {
                fullNames.append("\(field.name).\(child.name)")
                slots.append(Slot(type: child.type, meaning: FieldMeaning(doc: child.doc), components: 0..<0))
            }
            fields += compound.fields
        }
        topLevelCount = record.fields.count
        self.slots = slots
        self.fullNames = fullNames
        names = fields.map(\.name)
        var parents = [Int32](repeating: -1, count: slots.count)
        for (index, slot) in slots.enumerated() {
            for component in slot.components { parents[component] = Int32(index) }
        }
        shape = RecordShape(
            paths: fullNames, parents: parents,
            hidden: record.fields.firstIndex { $0.name == HeaderLayout.fieldName })
    }

    /// The slot of `Name` or `BillingAddress.City`.
    func slot(named name: String) -> Int? { shape.slot(named: name) }
}

/// What Salesforce means by an Avro long, told only by the field's `doc`: `<role>:<type>[:<field id>]`.
enum FieldMeaning: Sendable {
    case plain, dateTime, dateOnly, timeOnly

    init(doc: String) {
        let parts = doc.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        switch parts.count > 1 ? parts[1] : "" {
        case "DateTime": self = .dateTime
        case "DateOnly": self = .dateOnly
        case "TimeOnly": self = .timeOnly
        default: self = .plain
        }
    }
}

extension Schema {
    /// The record that a type is, or that one of its union's branches is.
    func record(in type: TypeID) -> Record? {
        switch self[type] {
        case .record(let record): return record
        case .union(let branches):
            for branch in branches {
                if case .record(let record) = self[branch] { return record }
            }
            return nil
        default: return nil
        }
    }
}
