import Events

/// The literals that a field is compared with, numbered from 1. An event's value is looked up once, in place; after that
/// comparing is comparing numbers.
final class LiteralTable: Sendable {
    /// The number of a value that is none of the literals.
    static let other: UInt32 = 0

    private enum Tag: UInt8 { case text, number, bool, null }

    /// Open addressing: 0, or a literal's number.
    private let slots: [UInt32]
    /// By number less 1.
    private let hashes: [UInt64]
    /// By number less 1: where the bytes end. Bytes of all literals, one after the other.
    private let ends: [UInt32]
    private let bytes: [UInt8]

    let count: Int

    /// - Precondition: no literal occurs twice. They are numbered in this order.
    init(_ literals: [IndexLiteral]) {
        var capacity = 4
        while capacity < literals.count * 2 { capacity *= 2 }
        var slots = [UInt32](repeating: 0, count: capacity)
        var hashes: [UInt64] = []
        var ends: [UInt32] = []
        var bytes: [UInt8] = []
        for (index, literal) in literals.enumerated() {
            let key = Self.key(literal)
            let hash = key.bytes.withUnsafeBytes { Self.hash($0, key.tag) }
            var slot = Int(truncatingIfNeeded: hash) & (capacity - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
            slots[slot] = UInt32(index + 1)
            hashes.append(hash)
            bytes += key.bytes
            ends.append(UInt32(bytes.count))
        }
        (self.slots, self.hashes, self.ends, self.bytes) = (slots, hashes, ends, bytes)
        count = literals.count
    }

    func number(of cell: FieldCell) -> UInt32 {
        switch cell {
        case .text(let text): find(text, .text)
        case .int(let number): find(number: Double(number))
        case .double(let number): find(number: number)
        case .bool(let flag): withUnsafeBytes(of: flag ? UInt8(1) : 0) { find($0, .bool) }
        case .null: find(UnsafeRawBufferPointer(start: nil, count: 0), .null)
        case .timestamp, .other: Self.other
        }
    }

    private func find(number: Double) -> UInt32 {
        withUnsafeBytes(of: (number == 0 ? 0 : number).bitPattern) { find($0, .number) }
    }

    private func find(_ key: UnsafeRawBufferPointer, _ tag: Tag) -> UInt32 {
        let hash = Self.hash(key, tag)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if hashes[index] == hash, isSame(key, index) { return slots[slot] }
            slot = (slot + 1) & mask
        }
        return Self.other
    }

    private func isSame(_ key: UnsafeRawBufferPointer, _ index: Int) -> Bool {
        let start = index == 0 ? 0 : Int(ends[index - 1])
        guard Int(ends[index]) - start == key.count else { return false }
        for offset in 0..<key.count where bytes[start + offset] != key[offset] { return false }
        return true
    }

    private static func key(_ literal: IndexLiteral) -> (bytes: [UInt8], tag: Tag) {
        switch literal {
        case .null: ([], .null)
        case .bool(let flag): ([flag ? 1 : 0], .bool)
        case .number(let number): (withUnsafeBytes(of: number.bitPattern) { Array($0) }, .number)
        case .text(let bytes): (bytes, .text)
        }
    }

    /// Quick, not safe against chosen keys: only literals of rules are ever inserted.
    @inline(__always)
    private static func hash(_ key: UnsafeRawBufferPointer, _ tag: Tag) -> UInt64 {
        var hash = UInt64(key.count) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(tag.rawValue) << 32
        var offset = 0
        while offset + 8 <= key.count {
            hash = mixed(hash ^ key.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < key.count {
            rest = rest << 8 | UInt64(key[offset])
            offset += 1
        }
        return mixed(hash ^ rest)
    }

    @inline(__always)
    private static func mixed(_ value: UInt64) -> UInt64 {
        let product = value &* 0xD6E8_FEB8_6659_FD93
        return product ^ product >> 32
    }
}
