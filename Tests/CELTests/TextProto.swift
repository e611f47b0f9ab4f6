/// A message in protocol buffers' text format, without a schema: fields in order, scalars as they are written.
struct TextMessage {
    var fields: [TextField] = []

    subscript(name: String) -> [TextValue] { fields.filter { $0.name == name }.map(\.value) }

    func message(_ name: String) -> TextMessage? {
        if case .message(let message)? = self[name].first { message } else { nil }
    }

    func messages(_ name: String) -> [TextMessage] {
        self[name].compactMap { if case .message(let message) = $0 { message } else { nil } }
    }

    func text(_ name: String) -> String? {
        if case .text(let bytes)? = self[name].first { String(decoding: bytes, as: UTF8.self) } else { nil }
    }

    func bytes(_ name: String) -> [UInt8]? {
        if case .text(let bytes)? = self[name].first { bytes } else { nil }
    }

    /// A number, bool or enum value.
    func word(_ name: String) -> String? {
        if case .word(let word)? = self[name].first { word } else { nil }
    }

    func flag(_ name: String) -> Bool { word(name) == "true" }

    /// Every field of the message and of the messages in it.
    func visit(_ body: (_ name: String, _ value: TextValue) -> Void) {
        for field in fields {
            body(field.name, field.value)
            if case .message(let message) = field.value { message.visit(body) }
        }
    }
}

struct TextField {
    let name: String
    let value: TextValue
}

indirect enum TextValue {
    case text([UInt8])
    case word(String)
    case message(TextMessage)
}

struct TextProtoError: Error {
    let offset: Int
    let reason: String
}

/// Source: protobuf.dev, "Text Format Language Specification", as far as the CEL suite uses it.
struct TextProtoReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func read() throws -> TextMessage {
        let message = try fields(until: nil)
        guard position == bytes.count else { throw failure("text after the end") }
        return message
    }

    private mutating func fields(until end: UInt8?) throws -> TextMessage {
        var message = TextMessage()
        while true {
            skipSpace()
            if let end, peek() == end {
                position += 1
                return message
            }
            guard peek() != nil else {
                guard end == nil else { throw failure("a message does not end") }
                return message
            }
            let name = try fieldName()
            for value in try values() { message.fields.append(TextField(name: name, value: value)) }
            skipSpace()
            if peek() == UInt8(ascii: ",") || peek() == UInt8(ascii: ";") { position += 1 }
        }
    }

    private mutating func fieldName() throws -> String {
        guard peek() == UInt8(ascii: "[") else { return try word() }
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "]")) else { throw failure("no ']'") }
        defer { position = end + 1 }
        return String(decoding: bytes[position...end], as: UTF8.self)
    }

    /// One value, or the values of a list.
    private mutating func values() throws -> [TextValue] {
        skipSpace()
        if peek() == UInt8(ascii: ":") {
            position += 1
            skipSpace()
        }
        guard peek() == UInt8(ascii: "[") else { return [try value()] }
        position += 1
        var values: [TextValue] = []
        while true {
            skipSpace()
            if peek() == UInt8(ascii: "]") {
                position += 1
                return values
            }
            values.append(try value())
            skipSpace()
            if peek() == UInt8(ascii: ",") { position += 1 }
        }
    }

    private mutating func value() throws -> TextValue {
        switch peek() {
        case UInt8(ascii: "{"):
            position += 1
            return .message(try fields(until: UInt8(ascii: "}")))
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return .text(try strings())
        default: return .word(try word())
        }
    }

    private mutating func word() throws -> String {
        let start = position
        while let byte = peek(), Self.isWord(byte) { position += 1 }
        guard position > start else { throw failure("a name or value is missing") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "+"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// Adjacent strings are one.
    private mutating func strings() throws -> [UInt8] {
        var result: [UInt8] = []
        while let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") {
            position += 1
            while let byte = peek(), byte != quote {
                position += 1
                if byte == UInt8(ascii: "\\") { result += try escape() } else { result.append(byte) }
            }
            guard peek() != nil else { throw failure("a string does not end") }
            position += 1
            skipSpace()
        }
        return result
    }

    private mutating func escape() throws -> [UInt8] {
        guard let letter = peek() else { throw failure("a string does not end") }
        position += 1
        switch letter {
        case UInt8(ascii: "a"): return [7]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "v"): return [11]
        case UInt8(ascii: "x"), UInt8(ascii: "X"): return [UInt8(truncatingIfNeeded: digits(2, radix: 16))]
        case UInt8(ascii: "u"): return try scalar(digits(4, radix: 16))
        case UInt8(ascii: "U"): return try scalar(digits(8, radix: 16))
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            position -= 1
            return [UInt8(truncatingIfNeeded: digits(3, radix: 8))]
        default: return [letter]
        }
    }

    private func scalar(_ code: UInt32) throws -> [UInt8] {
        guard let scalar = Unicode.Scalar(code) else { throw failure("no such scalar") }
        return Array(String(Character(scalar)).utf8)
    }

    /// Up to `limit` digits.
    private mutating func digits(_ limit: Int, radix: Int) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<limit {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue, digit < radix else {
                break
            }
            value = value &* UInt32(radix) &+ UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func skipSpace() {
        while let byte = peek() {
            if byte == UInt8(ascii: "#") {
                while let byte = peek(), byte != UInt8(ascii: "\n") { position += 1 }
            } else if byte == 0x20 || (9...13).contains(byte) {
                position += 1
            } else {
                return
            }
        }
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private func failure(_ reason: String) -> TextProtoError { TextProtoError(offset: position, reason: reason) }
}
