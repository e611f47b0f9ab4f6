extension JSONBuffer {
    /// Text in quotes, with the escapes that JSON requires.
    ///
    /// - Returns: false, with nothing usable appended, if it is not UTF-8.
    @inline(__always)
    mutating func appendQuoted(_ text: UnsafeRawBufferPointer) -> Bool {
        let memory = reserve(text.count + 2)
        memory.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        guard Self.copyPlain(text, to: memory + 1) else { return appendQuotedSlow(text) }
        memory.storeBytes(of: UInt8(ascii: "\""), toByteOffset: text.count + 1, as: UInt8.self)
        advance(text.count + 2)
        return true
    }

    /// Copies while looking, eight bytes at a time.
    ///
    /// - Returns: false as soon as a byte needs more than copying: not ASCII, a control character, a quote, a
    ///   backslash.
    @inline(__always)
    private static func copyPlain(_ text: UnsafeRawBufferPointer, to memory: UnsafeMutableRawPointer) -> Bool {
        guard let source = text.baseAddress else { return true }
        var index = 0
        while index + 8 <= text.count {
            let word = (source + index).loadUnaligned(as: UInt64.self)
            guard isPlain(word) else { return false }
            (memory + index).storeBytes(of: word, as: UInt64.self)
            index += 8
        }
        while index < text.count {
            let byte = (source + index).load(as: UInt8.self)
            guard byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else {
                return false
            }
            (memory + index).storeBytes(of: byte, as: UInt8.self)
            index += 1
        }
        return true
    }

    /// Exact for words of ASCII, and false for any with a high bit: a borrow from a lower byte can only report a byte
    /// too many next to one that is reported rightly.
    @inline(__always)
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let slashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let found = word | (word &- ones &* 0x20) | (quotes &- ones) | (slashes &- ones)
        return found & (ones &* 0x80) == 0
    }

    @inline(never)
    private mutating func appendQuotedSlow(_ text: UnsafeRawBufferPointer) -> Bool {
        guard UTF8Check.isValid(text) else { return false }
        append(UInt8(ascii: "\""))
        var start = 0
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            append(text.baseAddress! + start, index - start)
            appendEscaped(byte)
            start = index + 1
        }
        append(text.baseAddress! + start, text.count - start)
        append(UInt8(ascii: "\""))
        return true
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: append(UInt8(ascii: "b"))
        case 0x09: append(UInt8(ascii: "t"))
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0C: append(UInt8(ascii: "f"))
        case 0x0D: append(UInt8(ascii: "r"))
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
        default:
            append("u00")
            append(UInt8(ascii: "0") + byte >> 4)
            let low = byte & 15
            append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }
}
