extension JSONReader {
    /// A string in quotes, escapes resolved.
    mutating func string() throws(JSONError) -> String {
        let start = position + 1
        var index = start
        while index < bytes.count, bytes[index] != UInt8(ascii: "\""), bytes[index] != UInt8(ascii: "\\"),
            bytes[index] >= 0x20
        {
            index += 1
        }
        advance(to: index)
        guard index < bytes.count else { throw failure("text without closing quote") }
        guard bytes[index] == UInt8(ascii: "\"") else { return try escapedString(from: start) }
        advance(to: index + 1)
        return try text(bytes[start..<index])
    }

    /// The slower way, for a string in which an escape (or an illegal character) was met at `position`.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var content = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                advance(to: position + 1)
                return try text(content[...])
            case UInt8(ascii: "\\"): try escape(into: &content)
            case 0..<0x20: throw failure("a control character in text must be escaped")
            default:
                content.append(byte)
                advance(to: position + 1)
            }
        }
        throw failure("text without closing quote")
    }

    private mutating func escape(into content: inout [UInt8]) throws(JSONError) {
        guard position + 1 < bytes.count else { throw failure("text without closing quote") }
        let letter = bytes[position + 1]
        let plain: UInt8
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain = letter
        case UInt8(ascii: "b"): plain = 0x08
        case UInt8(ascii: "f"): plain = 0x0C
        case UInt8(ascii: "n"): plain = 0x0A
        case UInt8(ascii: "r"): plain = 0x0D
        case UInt8(ascii: "t"): plain = 0x09
        case UInt8(ascii: "u"): return try unicodeEscape(into: &content)
        default: throw failure("unknown escape")
        }
        content.append(plain)
        advance(to: position + 2)
    }

    private mutating func unicodeEscape(into content: inout [UInt8]) throws(JSONError) {
        var code = try hexUnit(at: position + 2)
        var next = position + 6
        if code & 0xFC00 == 0xD800 {
            guard next + 1 < bytes.count, bytes[next] == UInt8(ascii: "\\"), bytes[next + 1] == UInt8(ascii: "u") else {
                throw failure("half of a surrogate pair")
            }
            let low = try hexUnit(at: next + 2)
            guard low & 0xFC00 == 0xDC00 else { throw failure("half of a surrogate pair") }
            code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
            next += 6
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure("half of a surrogate pair") }
        content.append(contentsOf: UTF8.encode(scalar)!)
        advance(to: next)
    }

    private func hexUnit(at start: Int) throws(JSONError) -> UInt32 {
        guard start + 4 <= bytes.count else { throw failure("\\u needs four hex digits") }
        var unit: UInt32 = 0
        for byte in bytes[start..<start + 4] {
            guard let digit = Hex.digit(byte) else { throw failure("\\u needs four hex digits") }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    private func text(_ content: ArraySlice<UInt8>) throws(JSONError) -> String {
        guard let text = String(validating: content, as: UTF8.self) else { throw failure("text is not UTF-8") }
        return text
    }

    /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`
    mutating func number() throws(JSONError) -> Value {
        let start = position
        var index = start
        var isInteger = true
        if byte(at: index) == UInt8(ascii: "-") { index += 1 }
        let firstDigit = index
        try digits(&index)
        guard bytes[firstDigit] != UInt8(ascii: "0") || index == firstDigit + 1 else {
            throw failure("a number must not begin with 0")
        }
        if byte(at: index) == UInt8(ascii: ".") {
            isInteger = false
            index += 1
            try digits(&index)
        }
        if let mark = byte(at: index), mark | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            index += 1
            if let sign = byte(at: index), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { index += 1 }
            try digits(&index)
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isInteger, let exact = Int64(text) {
            advance(to: index)
            return .int(exact)
        }
        guard let double = Double(text), double.isFinite else { throw failure("number out of range") }
        advance(to: index)
        return .double(double)
    }

    private func digits(_ index: inout Int) throws(JSONError) {
        let start = index
        while let byte = byte(at: index), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { index += 1 }
        guard index > start else { throw failure("expected a value") }
    }

    private func byte(at index: Int) -> UInt8? { index < bytes.count ? bytes[index] : nil }
}
