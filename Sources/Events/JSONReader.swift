/// Reads JSON (RFC 8259) strictly, with every dimension bounded.
///
/// Integers within 64 bits stay exact, all other numbers become doubles. Objects become `.record` in the order of the
/// text. Refused: duplicate keys, invalid UTF-8, lone surrogates, a byte-order mark, anything after the value, and
/// depth or size above the limits.
public struct JSONReader {
    /// Containers inside containers.
    public static let maximumDepth = 512
    public static let maximumBytes = 64 << 20

    public let bytes: [UInt8]
    /// Where the next token is looked for.
    public private(set) var position = 0
    private var depth = 0

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The whole text as one value.
    public static func parse(_ bytes: [UInt8]) throws(JSONError) -> Value {
        var reader = JSONReader(bytes)
        guard bytes.count <= maximumBytes else { throw JSONError(reason: "longer than 64 MiB", offset: 0) }
        let value = try reader.value()
        try reader.end()
        return value
    }

    public static func parse(_ text: String) throws(JSONError) -> Value { try parse(Array(text.utf8)) }

    /// The next value, built.
    public mutating func value() throws(JSONError) -> Value {
        switch try token() {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return try number()
        }
    }

    /// Steps over the next value without building it: brackets and strings are followed, their content is not judged.
    ///
    /// - Returns: where the value stands in `bytes`.
    public mutating func skipValue() throws(JSONError) -> Range<Int> {
        _ = try token()
        let start = position
        var open = 0
        repeat {
            switch try token() {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                open += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                open -= 1
                position += 1
            case UInt8(ascii: "\""): try skipString()
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                guard open > 0 else { throw failure("expected a value") }
                position += 1
            default: try skipScalar()
            }
        } while open > 0
        guard open == 0, position > start else { throw failure("expected a value") }
        return start..<position
    }

    /// Steps through an object: the next key, its colon consumed, or nil after the closing brace.
    ///
    /// Call with the position before `{` and `first` true, then after each value with `first` false.
    public mutating func nextKey(first: Bool) throws(JSONError) -> String? {
        if first { try expect(UInt8(ascii: "{")) }
        var next = try token()
        if next == UInt8(ascii: "}") {
            position += 1
            return nil
        }
        if !first {
            try expect(UInt8(ascii: ","))
            next = try token()
        }
        guard next == UInt8(ascii: "\"") else { throw failure("expected a key in quotes") }
        let key = try string()
        try expect(UInt8(ascii: ":"))
        return key
    }

    /// Only white space may follow.
    public mutating func end() throws(JSONError) {
        skipSpace()
        guard position == bytes.count else { throw failure("unexpected text after the value") }
    }

    // MARK: Containers

    private mutating func object() throws(JSONError) -> Value {
        try enter()
        var fields = Fields()
        var seen: Set<String> = []
        var first = true
        while let key = try nextKey(first: first) {
            guard seen.insert(key).inserted else { throw failure("the key \"\(key)\" stands twice") }
            fields.append(key, try value())
            first = false
        }
        depth -= 1
        return .record(fields)
    }

    private mutating func array() throws(JSONError) -> Value {
        try enter()
        position += 1
        var values: [Value] = []
        while try token() != UInt8(ascii: "]") {
            if !values.isEmpty { try expect(UInt8(ascii: ",")) }
            values.append(try value())
        }
        position += 1
        depth -= 1
        return .list(values)
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= Self.maximumDepth else { throw failure("more than \(Self.maximumDepth) levels deep") }
    }

    // MARK: Tokens

    /// The first byte of the next token, not consumed.
    private mutating func token() throws(JSONError) -> UInt8 {
        skipSpace()
        guard position < bytes.count else { throw failure("unexpected end") }
        return bytes[position]
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: " "), 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard try token() == byte else { throw failure("expected '\(Character(Unicode.Scalar(byte)))'") }
        position += 1
    }

    private mutating func literal(_ text: StaticString, _ value: Value) throws(JSONError) -> Value {
        let expected = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard bytes[position...].starts(with: expected) else { throw failure("unknown word") }
        position += expected.count
        return value
    }

    private mutating func skipScalar() throws(JSONError) {
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "E"),
                UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                position += 1
            default:
                guard position > start else { throw failure("unexpected character") }
                return
            }
        }
    }

    private mutating func skipString() throws(JSONError) {
        position += 1
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\\"): position += 2
            case UInt8(ascii: "\""):
                position += 1
                return
            default: position += 1
            }
        }
        position = bytes.count
        throw failure("text without closing quote")
    }

    func failure(_ reason: String) -> JSONError { JSONError(reason: reason, offset: position) }

    /// For the scanners of numbers and strings, which stand in their own file.
    mutating func advance(to position: Int) { self.position = position }
}

/// Why a text is not JSON, and where.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    public var reason: String
    /// Bytes from the beginning.
    public var offset: Int

    public init(reason: String, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "not valid JSON at byte \(offset): \(reason)" }
}
