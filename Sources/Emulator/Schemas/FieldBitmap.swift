/// Writes the bitmaps of `changedFields`, `nulledFields` and `diffFields`.
///
/// The hex is one big-endian number whose bit i is field i: upper-case, whole bytes, shortest length.
struct FieldBitmap {
    private var top: Set<Int> = []
    private var nested: [Int: Set<Int>] = [:]

    /// Field 0 of a change event is its header.
    mutating func insert(_ field: Int) { top.insert(field) }

    /// A component of a compound field. The parent's own bit stays clear.
    mutating func insert(_ component: Int, in field: Int) { nested[field, default: []].insert(component) }

    /// The elements of the header's list: at most one for the top level, then one per compound field.
    var elements: [String] {
        var elements = top.isEmpty ? [] : [Self.hex(top)]
        for field in nested.keys.sorted() { elements.append("\(field)-\(Self.hex(nested[field]!))") }
        return elements
    }

    private static func hex(_ bits: Set<Int>) -> String {
        precondition(!bits.isEmpty, "an empty bitmap has no hex form")
        var bytes = [UInt8](repeating: 0, count: bits.max()! / 8 + 1)
        for bit in bits { bytes[bytes.count - 1 - bit / 8] |= 1 << UInt8(bit % 8) }
        let digits = bytes.map { byte in
            let text = String(byte, radix: 16, uppercase: true)
            return byte < 16 ? "0" + text : text
        }
        return "0x" + digits.joined()
    }
}
