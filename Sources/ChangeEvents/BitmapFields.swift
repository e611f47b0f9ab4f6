import Events

/// Fields of one event, as `changedFields`, `nulledFields` and `diffFields` name them.
///
/// The wire form is a list of strings: `0x<HEX>` is one big integer whose bit *i* stands for top-level field *i* (0 is the
/// header), `<p>-0x<HEX>` the same over the components of compound field *p*. A list may hold only nested elements.
struct BitmapFields: Sendable, Equatable {
    /// Bit set over the slots of the schema's `FieldTable`.
    private var words: [UInt64] = []
    /// Elements that are neither bitmaps nor names of fields, as received. At most `unreadLimit`.
    private(set) var unread: [String] = []
    /// Bits that stand for no field, and elements beyond `unreadLimit`.
    private(set) var ignored = 0

    static let unreadLimit = 100

    var isEmpty: Bool { words.isEmpty && unread.isEmpty }

    func contains(_ slot: Int) -> Bool {
        slot >> 6 < words.count && words[slot >> 6] & 1 << UInt64(slot & 63) != 0
    }

    /// Names in the order of the schema, components after the top-level fields, then what could not be read.
    func names(in fields: FieldTable) -> [String] {
        guard !isEmpty else { return [] }
        var names: [String] = []
        names.reserveCapacity(words.reduce(unread.count) { $0 + $1.nonzeroBitCount })
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                names.append(fields.fullNames[index << 6 + rest.trailingZeroBitCount])
                rest &= rest - 1
            }
        }
        names.append(contentsOf: unread)
        return names
    }

    mutating func insert(element: UnsafeRawBufferPointer, in fields: FieldTable) {
        guard let mark = prefixEnd(element) else { return insert(name: element, in: fields) }
        let slots: Range<Int>
        if mark == 2 {
            slots = 0..<fields.topLevelCount
        } else {
            guard let components = components(of: element[..<(mark - 3)], in: fields) else {
                return keep(element)
            }
            slots = components
        }
        insert(hex: UnsafeRawBufferPointer(rebasing: element[mark...]), into: slots, capacity: fields.slots.count)
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
    private mutating func insert(hex: UnsafeRawBufferPointer, into slots: Range<Int>, capacity: Int) {
        var bit = 0
        for character in hex.reversed() {
            var digit = Hex.digit(character)!
            while digit != 0 {
                let slot = slots.lowerBound + bit + digit.trailingZeroBitCount
                if slot < slots.upperBound { insert(slot: slot, capacity: capacity) } else { ignored += 1 }
                digit &= digit - 1
            }
            bit += 4
        }
    }

    private mutating func insert(slot: Int, capacity: Int) {
        if words.isEmpty { words = [UInt64](repeating: 0, count: (capacity + 63) >> 6) }
        words[slot >> 6] |= 1 << UInt64(slot & 63)
    }

    /// Some deployments and older channels send plain names.
    private mutating func insert(name: UnsafeRawBufferPointer, in fields: FieldTable) {
        guard let slot = fields.slot(named: String(decoding: name, as: UTF8.self)) else { return keep(name) }
        insert(slot: slot, capacity: fields.slots.count)
    }

    private mutating func keep(_ element: UnsafeRawBufferPointer) {
        guard unread.count < Self.unreadLimit else { return ignored += 1 }
        unread.append(String(decoding: element, as: UTF8.self))
    }
}
