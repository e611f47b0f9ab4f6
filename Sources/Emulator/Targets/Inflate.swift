/// Decompresses `Content-Encoding: gzip` (RFC 1952) and `deflate` (RFC 1950) bodies. Pure.
///
/// A decoder of canonical Huffman codes by counting, bit for bit: small, and fast enough for an emulator.
struct Inflate {
    enum Failure: Error, Equatable { case malformed, tooLarge }

    enum Format { case gzip, zlib }

    private let input: [UInt8]
    private var position = 0
    private var bitBuffer: UInt32 = 0
    private var bitCount = 0
    private var output: [UInt8] = []
    private let limit: Int

    /// - Parameter limit: of what comes out.
    static func decode(_ bytes: [UInt8], _ format: Format, limit: Int) throws(Failure) -> [UInt8] {
        var inflate = Inflate(input: bytes, limit: limit)
        switch format {
        case .gzip: try inflate.skipGzipHeader()
        case .zlib: try inflate.skipZlibHeader()
        }
        try inflate.blocks()
        inflate.dropPartialByte()
        switch format {
        case .gzip: try inflate.checkGzipTrailer()
        case .zlib: try inflate.checkZlibTrailer()
        }
        return inflate.output
    }

    private init(input: [UInt8], limit: Int) {
        self.input = input
        self.limit = limit
    }

    // MARK: Wrapping

    private mutating func skipGzipHeader() throws(Failure) {
        guard try byte() == 0x1F, try byte() == 0x8B, try byte() == 8 else { throw .malformed }
        let flags = try byte()
        try skip(6)
        if flags & 4 != 0 { try skip(Int(try byte()) | Int(try byte()) << 8) }
        // Name and comment, both ended by a zero.
        for flag: UInt8 in [8, 16] where flags & flag != 0 { while try byte() != 0 {} }
        if flags & 2 != 0 { try skip(2) }
    }

    private mutating func skipZlibHeader() throws(Failure) {
        let method = try byte()
        let flags = try byte()
        guard method & 0x0F == 8, (Int(method) << 8 | Int(flags)) % 31 == 0, flags & 0x20 == 0 else {
            throw .malformed
        }
    }

    private mutating func checkGzipTrailer() throws(Failure) {
        guard try number(4, isLittleEndian: true) == Self.crc32(output),
            try number(4, isLittleEndian: true) == UInt32(truncatingIfNeeded: output.count)
        else { throw .malformed }
    }

    private mutating func checkZlibTrailer() throws(Failure) {
        guard try number(4, isLittleEndian: false) == Self.adler32(output) else { throw .malformed }
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 {
                let isOdd = crc & 1 == 1
                crc >>= 1
                if isOdd { crc ^= 0xEDB8_8320 }
            }
        }
        return ~crc
    }

    private static func adler32(_ bytes: [UInt8]) -> UInt32 {
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        return high << 16 | low
    }

    // MARK: Blocks

    private mutating func blocks() throws(Failure) {
        var isLast = false
        while !isLast {
            isLast = try bits(1) == 1
            switch try bits(2) {
            case 0: try stored()
            case 1: try compressed(Self.fixedLiterals, Self.fixedDistances)
            case 2:
                let (literals, distances) = try dynamicCodes()
                try compressed(literals, distances)
            default: throw .malformed
            }
        }
    }

    private mutating func stored() throws(Failure) {
        dropPartialByte()
        let length = Int(try number(2, isLittleEndian: true))
        guard Int(try number(2, isLittleEndian: true)) == ~length & 0xFFFF, position + length <= input.count else {
            throw .malformed
        }
        guard output.count + length <= limit else { throw .tooLarge }
        output += input[position..<(position + length)]
        position += length
    }

    private mutating func compressed(_ literals: HuffmanCode, _ distances: HuffmanCode) throws(Failure) {
        while true {
            let symbol = try decode(literals)
            switch symbol {
            case 0..<256:
                guard output.count < limit else { throw .tooLarge }
                output.append(UInt8(symbol))
            case 256: return
            case 257..<286: try copy(symbol - 257, distances)
            default: throw .malformed
            }
        }
    }

    private mutating func copy(_ symbol: Int, _ distances: HuffmanCode) throws(Failure) {
        let length = Self.lengthBase[symbol] + (try bits(Self.lengthExtra[symbol]))
        let code = try decode(distances)
        guard code < Self.distanceBase.count else { throw .malformed }
        let distance = Self.distanceBase[code] + (try bits(Self.distanceExtra[code]))
        guard distance <= output.count else { throw .malformed }
        guard output.count + length <= limit else { throw .tooLarge }
        // What is copied may reach into what this copy writes.
        for _ in 0..<length { output.append(output[output.count - distance]) }
    }

    private mutating func dynamicCodes() throws(Failure) -> (HuffmanCode, HuffmanCode) {
        let literals = try bits(5) + 257
        let distances = try bits(5) + 1
        let count = try bits(4) + 4
        var lengths = [Int](repeating: 0, count: 19)
        for index in 0..<count { lengths[Self.codeOrder[index]] = try bits(3) }
        guard let code = HuffmanCode(lengths) else { throw .malformed }
        lengths = []
        while lengths.count < literals + distances {
            let symbol = try decode(code)
            switch symbol {
            case 0..<16: lengths.append(symbol)
            case 16:
                guard let last = lengths.last else { throw .malformed }
                lengths += Array(repeating: last, count: try bits(2) + 3)
            case 17: lengths += Array(repeating: 0, count: try bits(3) + 3)
            default: lengths += Array(repeating: 0, count: try bits(7) + 11)
            }
        }
        guard lengths.count == literals + distances, let literal = HuffmanCode(Array(lengths[..<literals])),
            let distance = HuffmanCode(Array(lengths[literals...]))
        else { throw .malformed }
        return (literal, distance)
    }

    // MARK: Codes

    /// How many codes there are of each length, and their symbols in order.
    private struct HuffmanCode {
        var counts = [Int](repeating: 0, count: 16)
        var symbols: [Int] = []

        /// Nil if there are more codes than fit.
        init?(_ lengths: [Int]) {
            for length in lengths { counts[length] += 1 }
            counts[0] = 0
            var left = 1
            for count in counts.dropFirst() {
                left = left * 2 - count
                guard left >= 0 else { return nil }
            }
            for length in 1..<16 { symbols += lengths.indices.filter { lengths[$0] == length } }
        }
    }

    private mutating func decode(_ code: HuffmanCode) throws(Failure) -> Int {
        var (value, first, index) = (0, 0, 0)
        for length in 1..<16 {
            value |= try bits(1)
            let count = code.counts[length]
            if value - count < first { return code.symbols[index + value - first] }
            index += count
            first = (first + count) << 1
            value <<= 1
        }
        throw .malformed
    }

    private static let fixedLiterals = HuffmanCode(
        Array(repeating: 8, count: 144) + Array(repeating: 9, count: 112) + Array(repeating: 7, count: 24)
            + Array(repeating: 8, count: 8))!
    private static let fixedDistances = HuffmanCode(Array(repeating: 5, count: 30))!
    private static let codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    private static let lengthBase = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
        258,
    ]
    private static let lengthExtra = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distanceBase = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145, 8193, 12289, 16385, 24577,
    ]
    private static let distanceExtra = [
        0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
    ]

    // MARK: Bits

    private mutating func bits(_ count: Int) throws(Failure) -> Int {
        while bitCount < count {
            bitBuffer |= UInt32(try byte()) << UInt32(bitCount)
            bitCount += 8
        }
        let value = bitBuffer & (1 << UInt32(count) - 1)
        bitBuffer >>= UInt32(count)
        bitCount -= count
        return Int(value)
    }

    private mutating func dropPartialByte() { (bitBuffer, bitCount) = (0, 0) }

    private mutating func byte() throws(Failure) -> UInt8 {
        guard position < input.count else { throw .malformed }
        defer { position += 1 }
        return input[position]
    }

    private mutating func skip(_ count: Int) throws(Failure) {
        guard position + count <= input.count else { throw .malformed }
        position += count
    }

    private mutating func number(_ count: Int, isLittleEndian: Bool) throws(Failure) -> UInt32 {
        var value: UInt32 = 0
        for index in 0..<count {
            let next = UInt32(try byte())
            value |= next << UInt32(8 * (isLittleEndian ? index : count - 1 - index))
        }
        return value
    }
}
