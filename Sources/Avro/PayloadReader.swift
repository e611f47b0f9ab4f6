/// Walks the bytes of one payload along a plan. Nothing is copied, every read is checked against the end.
///
/// Lives only while the plan and the bytes do: `AvroDecoder` sees to that.
package struct PayloadReader {
    let base: UnsafeRawPointer
    let end: UnsafeRawPointer
    package internal(set) var position: UnsafeRawPointer
    let nodes: UnsafeBufferPointer<Plan.Node>
    let fields: UnsafeBufferPointer<Plan.Field>
    let plan: Unmanaged<Plan>
    /// An enum index without a symbol is passed over: Salesforce adds symbols.
    let openEnums: Bool
    var depth = 0
    /// What may still be visited, see `spend`.
    var budget: Int

    init(_ plan: Plan, _ payload: UnsafeRawBufferPointer, openEnums: Bool) {
        // A pointer for an empty payload, never read.
        base = payload.baseAddress ?? UnsafeRawPointer(plan.nodes.baseAddress!)
        end = base + payload.count
        position = base
        nodes = plan.nodes
        fields = plan.fields
        self.plan = Unmanaged.passUnretained(plan)
        self.openEnums = openEnums
        budget = DecodeLimits.emptyValues + 4 * payload.count
    }

    @inline(__always)
    var remaining: Int { end - position }

    @inline(__always)
    var offset: Int { position - base }

    @inline(__always)
    func failure(_ code: AvroDecodeError.Code) -> DecodeFailure { DecodeFailure(code: code, offset: offset) }

    // MARK: Limits

    /// Takes `cost` values from the budget. Values that take bytes never exhaust it, since it grows with the payload;
    /// those that take none (an array of nulls, an empty record) are bounded by it, however many a length announces.
    @inline(__always)
    mutating func spend(_ cost: Int) throws(DecodeFailure) {
        guard cost <= budget else { throw failure(.tooManyItems) }
        budget -= cost
    }

    @inline(__always)
    mutating func enter() throws(DecodeFailure) {
        depth += 1
        guard depth <= DecodeLimits.depth else { throw failure(.tooDeep) }
    }

    @inline(__always)
    mutating func leave() { depth -= 1 }

    // MARK: Primitives

    /// A zigzag varint of up to 64 bits.
    @inline(__always)
    package mutating func long() throws(DecodeFailure) -> Int64 {
        guard position < end else { throw failure(.truncated) }
        let byte = position.load(as: UInt8.self)
        guard byte < 0x80 else { return try longerLong() }
        position += 1
        return Int64(byte >> 1) ^ -Int64(byte & 1)
    }

    @inline(__always)
    mutating func int() throws(DecodeFailure) -> Int64 {
        let start = position
        let value = try long()
        guard value == Int64(Int32(truncatingIfNeeded: value)) else {
            throw DecodeFailure(code: .intOutOfRange, offset: start - base)
        }
        return value
    }

    /// Two to eight bytes at once: the continuation bits tell the length, three shifts close the gaps they leave.
    private mutating func longerLong() throws(DecodeFailure) -> Int64 {
        guard remaining >= 8 else { return try bytewiseLong() }
        var word = UInt64(littleEndian: position.loadUnaligned(as: UInt64.self))
        let ends = ~word & 0x8080_8080_8080_8080
        guard ends != 0 else { return try bytewiseLong() }
        let bits = UInt64(ends.trailingZeroBitCount) + 1
        word &= (UInt64.max >> (64 - bits)) & 0x7F7F_7F7F_7F7F_7F7F
        word = (word & 0x007F_007F_007F_007F) | (word & 0x7F00_7F00_7F00_7F00) >> 1
        word = (word & 0x0000_3FFF_0000_3FFF) | (word & 0x3FFF_0000_3FFF_0000) >> 2
        word = (word & 0x0000_0000_0FFF_FFFF) | (word & 0x0FFF_FFFF_0000_0000) >> 4
        position += Int(bits >> 3)
        return Int64(bitPattern: word >> 1) ^ -Int64(bitPattern: word & 1)
    }

    private mutating func bytewiseLong() throws(DecodeFailure) -> Int64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        var next = position
        while next < end {
            let byte = UInt64(next.load(as: UInt8.self))
            next += 1
            guard shift < 63 || byte <= 1 else { throw failure(.badVarint) }
            result |= (byte & 0x7F) << shift
            if byte < 0x80 {
                position = next
                return Int64(bitPattern: result >> 1) ^ -Int64(bitPattern: result & 1)
            }
            shift += 7
        }
        throw failure(.truncated)
    }

    @inline(__always)
    mutating func boolean() throws(DecodeFailure) -> Bool {
        guard position < end else { throw failure(.truncated) }
        let byte = position.load(as: UInt8.self)
        guard byte <= 1 else { throw failure(.badBoolean) }
        position += 1
        return byte == 1
    }

    @inline(__always)
    mutating func float() throws(DecodeFailure) -> Double {
        Double(Float(bitPattern: try raw(4).loadUnaligned(as: UInt32.self).littleEndian))
    }

    @inline(__always)
    mutating func double() throws(DecodeFailure) -> Double {
        Double(bitPattern: try raw(8).loadUnaligned(as: UInt64.self).littleEndian)
    }

    /// Steps over `count` bytes and returns where they begin.
    @inline(__always)
    mutating func raw(_ count: Int) throws(DecodeFailure) -> UnsafeRawPointer {
        guard remaining >= count else { throw failure(.truncated) }
        defer { position += count }
        return position
    }

    /// Bytes behind their length.
    @inline(__always)
    mutating func sized() throws(DecodeFailure) -> UnsafeRawBufferPointer {
        let start = position
        let count = try long()
        guard count >= 0 else { throw DecodeFailure(code: .negativeLength, offset: start - base) }
        guard count <= Int64(remaining) else { throw DecodeFailure(code: .lengthBeyondEnd, offset: start - base) }
        let bytes = UnsafeRawBufferPointer(start: position, count: Int(count))
        position += Int(count)
        return bytes
    }

    /// Bytes behind their length that are valid UTF-8.
    @inline(__always)
    package mutating func utf8() throws(DecodeFailure) -> UnsafeRawBufferPointer {
        let bytes = try sized()
        guard UTF8Check.isValid(bytes) else {
            throw DecodeFailure(code: .invalidUTF8, offset: bytes.baseAddress! - base)
        }
        return bytes
    }

    /// The branch of a union with `count` of them.
    @inline(__always)
    mutating func branch(of count: Int32) throws(DecodeFailure) -> Int {
        let start = position
        let index = try long()
        guard index >= 0, index < Int64(count) else {
            throw DecodeFailure(code: .badUnionBranch, offset: start - base)
        }
        return Int(index)
    }

    /// - Returns: nil for an unknown symbol, where those are passed over.
    @inline(__always)
    mutating func symbol(of node: Plan.Node) throws(DecodeFailure) -> Int? {
        let start = position
        let index = try int()
        if index >= 0, index < Int64(node.count) { return Int(index) }
        guard openEnums, index >= 0 else { throw DecodeFailure(code: .badEnumIndex, offset: start - base) }
        return nil
    }

    // MARK: Blocks and runs

    /// The head of an array's or map's next block.
    struct Block {
        /// 0 after the last block.
        var count: Int
        /// Where a block that tells its size has to end.
        var end: UnsafeRawPointer?
    }

    mutating func block() throws(DecodeFailure) -> Block {
        let count = try long()
        guard count < 0 else {
            try spend(Int(count))
            return Block(count: Int(count))
        }
        guard count != .min else { throw failure(.tooManyItems) }
        let start = position
        let size = try long()
        guard size >= 0 else { throw DecodeFailure(code: .negativeLength, offset: start - base) }
        guard size <= Int64(remaining) else { throw DecodeFailure(code: .lengthBeyondEnd, offset: start - base) }
        try spend(Int(-count))
        return Block(count: Int(-count), end: position + Int(size))
    }

    @inline(__always)
    func finish(_ block: Block) throws(DecodeFailure) {
        guard block.end == nil || block.end == position else { throw failure(.badBlockSize) }
    }

    /// How many zero bytes follow, up to `limit`.
    @inline(__always)
    func zeros(_ limit: Int32) -> Int {
        guard position < end, position.load(as: UInt8.self) == 0 else { return 0 }
        return 1 + moreZeros(min(Int(limit), remaining))
    }

    @inline(__always)
    private func moreZeros(_ limit: Int) -> Int {
        var count = 1
        while count + 8 <= limit {
            let word = UInt64(littleEndian: (position + count).loadUnaligned(as: UInt64.self))
            guard word == 0 else { return count - 1 + word.trailingZeroBitCount / 8 }
            count += 8
        }
        while count < limit, (position + count).load(as: UInt8.self) == 0 { count += 1 }
        return count - 1
    }
}
