import Events

/// XML as FlowMate's webhook hands it to a flow: attributes under `_attr`, text beside them under `_`, colons in names
/// as hyphens, repeated elements as a list. Neither namespaces nor document types are looked at. Pure.
struct XMLData {
    struct Failure: Error, Equatable {
        /// Offset in bytes.
        var offset: Int
        var reason: String
    }

    /// Elements within each other.
    static let maximumDepth = 128
    static let maximumAttributes = 1000

    private let bytes: [UInt8]
    private var position = 0

    static func parse(_ bytes: [UInt8]) throws(Failure) -> Value {
        var reader = XMLData(bytes: bytes)
        try reader.skipAsides()
        let (name, value) = try reader.element(depth: 0)
        try reader.skipAsides()
        guard reader.position == bytes.count else { throw reader.failure("Text data outside of root node.") }
        var root = Fields()
        root[name] = value
        return .record(root)
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        if take("\u{FEFF}") { return }
    }

    // MARK: Elements

    private mutating func element(depth: Int) throws(Failure) -> (String, Value) {
        guard depth < Self.maximumDepth else { throw failure("Too deep") }
        guard take("<") else { throw failure("Non-whitespace before first tag.") }
        let name = try name()
        let attributes = try attributes()
        if take("/>") { return (name.plain, Self.value(attributes, GatheredFields(), "")) }
        guard take(">") else { throw failure("Invalid character in tag") }
        var children = GatheredFields()
        var content: [UInt8] = []
        while true {
            if take("</") {
                guard try self.name() == name else { throw failure("Unexpected close tag") }
                skipSpace()
                guard take(">") else { throw failure("Invalid characters in closing tag") }
                return (name.plain, Self.value(attributes, children, String(decoding: content, as: UTF8.self)))
            } else if take("<![CDATA[") {
                content += try upTo("]]>")
            } else if take("<!--") {
                _ = try upTo("-->")
            } else if take("<?") {
                _ = try upTo("?>")
            } else if peek == UInt8(ascii: "<") {
                let (childName, child) = try element(depth: depth + 1)
                children.add(child, named: childName)
            } else {
                content += try text(until: UInt8(ascii: "<"))
            }
        }
    }

    private static func value(_ attributes: Fields, _ children: GatheredFields, _ text: String) -> Value {
        let isBlank = text.utf8.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard !attributes.isEmpty || !children.isEmpty else { return .string(isBlank ? "" : text) }
        var fields = Fields()
        if !attributes.isEmpty { fields.append("_attr", .record(attributes)) }
        if !isBlank { fields.append("_", .string(text)) }
        return .record(Fields(fields.fields + children.fields.fields))
    }

    private mutating func attributes() throws(Failure) -> Fields {
        var attributes = Fields()
        while true {
            skipSpace()
            guard let next = peek, next != UInt8(ascii: ">"), next != UInt8(ascii: "/") else { return attributes }
            let name = try name()
            skipSpace()
            guard take("="), attributes.fields.count < Self.maximumAttributes else {
                throw failure("Attribute without value")
            }
            skipSpace()
            guard let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                throw failure("Unquoted attribute value")
            }
            position += 1
            attributes[name] = .string(String(decoding: try text(until: quote), as: UTF8.self))
            position += 1
        }
    }

    /// Declaration, comments, processing instructions, and a document type without entities of its own.
    private mutating func skipAsides() throws(Failure) {
        while true {
            skipSpace()
            if take("<?") {
                _ = try upTo("?>")
            } else if take("<!--") {
                _ = try upTo("-->")
            } else if take("<!DOCTYPE") {
                _ = try upTo(">")
            } else {
                return
            }
        }
    }

    // MARK: Text

    private mutating func name() throws(Failure) -> String {
        let start = position
        while let byte = peek, !" \t\r\n/>=<\"'".utf8.contains(byte) { position += 1 }
        guard position > start else { throw failure("Unencoded <") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// With its entities resolved; the end stays.
    private mutating func text(until end: UInt8) throws(Failure) -> [UInt8] {
        var text: [UInt8] = []
        while let byte = peek, byte != end {
            position += 1
            if byte == UInt8(ascii: "&") { text += Array(try entity().utf8) } else { text.append(byte) }
        }
        guard peek == end else { throw failure("Unclosed root tag") }
        return text
    }

    private mutating func entity() throws(Failure) -> String {
        let word = String(decoding: try upTo(";"), as: UTF8.self)
        switch word {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default:
            let number =
                word.hasPrefix("#x") ? UInt32(word.dropFirst(2), radix: 16)
                : word.hasPrefix("#") ? UInt32(word.dropFirst()) : nil
            guard let scalar = number.flatMap(Unicode.Scalar.init) else { throw failure("Invalid character entity") }
            return String(Character(scalar))
        }
    }

    // MARK: Bytes

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ text: String) -> Bool {
        guard bytes[position...].starts(with: text.utf8) else { return false }
        position += text.utf8.count
        return true
    }

    /// What is before `text`, which is taken, too.
    private mutating func upTo(_ text: String) throws(Failure) -> [UInt8] {
        let start = position
        while position < bytes.count {
            let end = position
            if take(text) { return Array(bytes[start..<end]) }
            position += 1
        }
        throw failure("Unexpected end")
    }

    private mutating func skipSpace() {
        while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private func failure(_ reason: String) -> Failure { Failure(offset: position, reason: reason) }
}

extension String {
    /// As the webhook renames elements.
    fileprivate var plain: String { String(map { $0 == ":" ? "-" : $0 }) }
}

/// Fields as they are found. Several of one name are a list of all their values.
struct GatheredFields {
    private var names: [String] = []
    private var values: [String: [Value]] = [:]

    var isEmpty: Bool { names.isEmpty }

    mutating func add(_ value: Value, named name: String) {
        if values[name] == nil { names.append(name) }
        values[name, default: []].append(value)
    }

    /// In the order of their first values.
    var fields: Fields {
        Fields(
            names.map { name in
                let found = values[name] ?? []
                return .init(name: name, value: found.count == 1 ? found[0] : .list(found))
            })
    }
}
