import Events

/// Fields of one event, as `changedFields`, `nulledFields` and `diffFields` name them.
///
/// The wire form is a list of strings: `0x<HEX>` is one big integer whose bit *i* stands for top-level field *i* (0 is the
/// header), `<p>-0x<HEX>` the same over the components of compound field *p*. A list may hold only nested elements.
struct BitmapFields: Sendable, Equatable {
    private var slots = SlotSet()
    /// Elements that are neither bitmaps nor names of fields, as received. At most `unreadLimit`.
    private(set) var unread: [String] = []
    /// Bits that stand for no field, and elements beyond `unreadLimit`.
    private(set) var ignored = 0

    static let unreadLimit = 100

    var isEmpty: Bool { slots.isEmpty && unread.isEmpty }

    func contains(_ slot: Int) -> Bool { slots.contains(slot) }

    /// In rising order, without what could not be read.
    func forEach(_ body: (Int) -> Void) { slots.forEach(body) }

    /// Names in the order of the schema, components after the top-level fields, then what could not be read.
    func names(in fields: FieldTable) -> [String] {
        guard !isEmpty else { return [] }
        var names: [String] = []
        names.reserveCapacity(slots.count + unread.count)
        slots.forEach { names.append(fields.fullNames[$0]) }
        names.append(contentsOf: unread)
        return names
    }

    mutating func insert(element: UnsafeRawBufferPointer, in fields: FieldTable) {
        guard let mark = prefixEnd(element) else { return insert(name: element, in: fields) }
        let range: Range<Int>
        if mark == 2 {
            range = 0..<fields.topLevelCount
        } else {
            guard let components = components(of: element[..<(mark - 3)], in: fields) else {
                return keep(element)
            }
            range = components
        }
        insert(hex: UnsafeRawBufferPointer(rebasing: element[mark...]), into: range)
    }

    /// Where the digits begin, if this is `0x…` or `<p>-0x…` with nothing but hex digits behind.
    private func prefixEnd(_ element: UnsafeRawBufferPointer) -> Int? {
        var index = 0
        while index < element.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(element[index]) { index += 1 }
        if index < element.count, element[index] == UInt8(ascii: "-"), index > 0 {
            index += 1
        } else {
            index = 0
        }
        guard element.count > index + 2, element[index] == UInt8(ascii: "0"),
            element[index + 1] | 0x20 == UInt8(ascii: "x"),
            element[(index + 2)...].allSatisfy({ Hex.digit($0) != nil })
        else { return nil }
        return index + 2
    }

    private func components(of digits: Slice<UnsafeRawBufferPointer>, in fields: FieldTable) -> Range<Int>? {
        guard digits.count <= 9 else { return nil }
        let parent = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        guard parent < fields.topLevelCount, !fields.slots[parent].components.isEmpty else { return nil }
        return fields.slots[parent].components
    }

    /// The last digit holds bits 0 to 3, the one before it bits 4 to 7, and so on: odd counts need no special case.
    private mutating func insert(hex: UnsafeRawBufferPointer, into range: Range<Int>) {
        var bit = 0
        for character in hex.reversed() {
            var digit = Hex.digit(character)!
            while digit != 0 {
                let slot = range.lowerBound + bit + digit.trailingZeroBitCount
                if slot < range.upperBound { slots.insert(slot) } else { ignored += 1 }
                digit &= digit - 1
            }
            bit += 4
        }
    }

    /// Some deployments and older channels send plain names.
    private mutating func insert(name: UnsafeRawBufferPointer, in fields: FieldTable) {
        guard let slot = fields.slot(named: String(decoding: name, as: UTF8.self)) else { return keep(name) }
        slots.insert(slot)
    }

    private mutating func keep(_ element: UnsafeRawBufferPointer) {
        guard unread.count < Self.unreadLimit else { return ignored += 1 }
        unread.append(String(decoding: element, as: UTF8.self))
    }
}
