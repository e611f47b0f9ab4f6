/// The fields of one compiled schema, by number. Its identity stands for the schema: who has asked it for a field's slot
/// once may use that slot with every record of the same shape.
public final class RecordShape: Sendable {
    /// Slots are `0..<slotCount`: the top-level fields in schema order, then the components of compound fields.
    public let slotCount: Int
    private let numbers: [String: Int]
    private let parents: [Int32]
    private let hidden: Int?

    /// - Parameters:
    ///   - paths: by slot: `Name`, `BillingAddress.City`.
    ///   - parents: by slot: the compound it is a component of, or -1.
    ///   - hidden: a slot that is no field of the record: the header.
    public init(paths: [String], parents: [Int32], hidden: Int?) {
        precondition(paths.count == parents.count, "each slot has a path and a parent")
        slotCount = paths.count
        numbers = Dictionary(uniqueKeysWithValues: paths.enumerated().map { ($1, $0) })
        self.parents = parents
        self.hidden = hidden
    }

    /// - Parameter path: `Name` or `BillingAddress.City`.
    public func slot(of path: String) -> Int? {
        guard let slot = numbers[path], slot != hidden else { return nil }
        return slot
    }

    /// - Parameter name: of a field, never of a component.
    public func topLevelSlot(of name: String) -> Int? {
        guard let slot = slot(of: name), parents[slot] < 0 else { return nil }
        return slot
    }

    /// The compound field that a slot is a component of.
    public func parent(of slot: Int) -> Int? { parents[slot] < 0 ? nil : Int(parents[slot]) }

    /// The slot that any element of the header's lists names, the header's own included.
    public func slot(named name: String) -> Int? { numbers[name] }
}

/// A present field as it lies in the event: nothing is copied or allocated.
public enum FieldCell {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    /// Epoch milliseconds.
    case timestamp(Int64)
    /// UTF-8, valid only while the call that handed it out lasts.
    case text(UnsafeRawBufferPointer)
    /// A compound, a list, bytes: `value(slot:)` has it.
    case other
}

/// The three lists of fields in a change event's header.
public enum HeaderList: Sendable, CaseIterable { case changed, nulled, diff }

/// Reading by slot is for those who ask the same of many events. A view without a shape is read by path.
extension RecordView {
    public var shape: RecordShape? { nil }

    public func value(slot: Int) -> Value? { nil }

    public func forEachPresent(_ slots: UnsafeBufferPointer<Int32>, _ body: (Int, FieldCell) -> Void) {}

    public func forEachSlot(in list: HeaderList, _ body: (Int) -> Void) -> Bool { false }
}

extension FieldCell {
    /// Shows a value as a cell.
    public static func withCell<Result>(of value: Value, _ body: (FieldCell) -> Result) -> Result {
        switch value {
        case .null: body(.null)
        case .bool(let flag): body(.bool(flag))
        case .int(let number): body(.int(number))
        case .double(let number): body(.double(number))
        case .timestamp(let time): body(.timestamp(time))
        case .string(var text): text.withUTF8 { body(.text(UnsafeRawBufferPointer($0))) }
        case .bytes, .list, .record: body(.other)
        }
    }
}
