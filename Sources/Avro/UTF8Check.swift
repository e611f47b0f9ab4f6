/// Is this UTF-8? Short ASCII texts, which most are, take a few instructions.
enum UTF8Check {
    @inline(__always)
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let start = bytes.baseAddress else { return true }
        let ascii = asciiPrefix(start, bytes.count)
        return ascii == bytes.count || isValidSlow(UnsafeRawBufferPointer(rebasing: bytes[ascii...]))
    }

    /// A length up to which all bytes are ASCII; below the whole length only if one is not.
    @inline(__always)
    private static func asciiPrefix(_ start: UnsafeRawPointer, _ count: Int) -> Int {
        var index = 0
        while index + 8 <= count {
            guard (start + index).loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 == 0 else { return index }
            index += 8
        }
        while index < count {
            guard (start + index).load(as: UInt8.self) < 0x80 else { return index }
            index += 1
        }
        return count
    }

    /// Source: Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".
    private static func isValidSlow(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < bytes.count {
            let lead = bytes[index]
            index += 1
            if lead < 0x80 { continue }
            let more: Int
            var second: ClosedRange<UInt8> = 0x80...0xBF
            switch lead {
            case 0xC2...0xDF: more = 1
            case 0xE0: (more, second) = (2, 0xA0...0xBF)
            case 0xED: (more, second) = (2, 0x80...0x9F)
            case 0xE1...0xEF: more = 2
            case 0xF0: (more, second) = (3, 0x90...0xBF)
            case 0xF1...0xF3: more = 3
            case 0xF4: (more, second) = (3, 0x80...0x8F)
            default: return false
            }
            guard bytes.count - index >= more, second.contains(bytes[index]) else { return false }
            for next in index + 1..<index + more where bytes[next] & 0xC0 != 0x80 { return false }
            index += more
        }
        return true
    }
}
