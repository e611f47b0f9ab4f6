/// Appends Avro binary. Source: Avro specification 1.11, "Binary Encoding".
struct AvroWriter {
    private(set) var bytes: [UInt8] = []

    /// `int` and `long`: zigzag, seven bits a byte, low bits first.
    mutating func long(_ value: Int64) {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func boolean(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func double(_ value: Double) {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func string(_ text: String) {
        long(Int64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// One block with all elements, then the end mark.
    mutating func strings(_ texts: [String]) {
        if !texts.isEmpty {
            long(Int64(texts.count))
            for text in texts { string(text) }
        }
        long(0)
    }

    /// The branch of a union.
    mutating func branch(_ index: Int64) { long(index) }
}
