import Events

/// Puts one text into a JSON object without touching the other bytes.
enum JSONInsertion {
    /// Deeper paths are refused.
    static let maximumDepth = 8

    /// - Parameter path: dotted; missing objects on the way are made, an existing value is replaced.
    /// - Returns: nil when the body, or something on the way, is not an object.
    static func insert(_ text: String, at path: String, into body: [UInt8]) -> [UInt8]? {
        let names = path.split(separator: ".").map(String.init)
        guard !names.isEmpty, names.count <= maximumDepth else { return nil }
        var cursor = Cursor(body)
        cursor.skipSpace()
        var rest = names[...]
        while let name = rest.first {
            guard cursor.take("{") else { return nil }
            let start = cursor.position
            guard let member = cursor.find(name) else { return nil }
            rest = rest.dropFirst()
            switch member {
            case .missing(let isEmpty):
                let comma: [UInt8] = isEmpty ? [] : [UInt8(ascii: ",")]
                return spliced(body, start..<start, nested(name, rest, text) + comma)
            case .value where rest.isEmpty:
                var quoted = JSONText()
                quoted.string(text)
                let valueStart = cursor.position
                guard cursor.skipValue() else { return nil }
                return spliced(body, valueStart..<cursor.position, quoted.bytes)
            case .value: continue
            }
        }
        return nil
    }

    /// `"a":{"b":"text"}`
    private static func nested(_ name: String, _ rest: ArraySlice<String>, _ text: String) -> [UInt8] {
        var json = JSONText()
        json.string(name)
        json.raw(":")
        for name in rest {
            json.raw("{")
            json.string(name)
            json.raw(":")
        }
        json.string(text)
        json.raw(rest.flatMap { _ in "}".utf8 })
        return json.bytes
    }

    private static func spliced(_ body: [UInt8], _ range: Range<Int>, _ insertion: [UInt8]) -> [UInt8] {
        Array(body[..<range.lowerBound]) + insertion + Array(body[range.upperBound...])
    }
}

/// Walks over JSON that is known to be well formed; on anything else it says no, and never reads beyond the end.
private struct Cursor {
    enum Member {
        case missing(isEmpty: Bool)
        case value
    }

    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Goes to the value of a member of the object that was just entered. Names with escapes are not compared.
    mutating func find(_ name: String) -> Member? {
        let wanted = Array(name.utf8)
        skipSpace()
        if next == UInt8(ascii: "}") { return .missing(isEmpty: true) }
        while true {
            skipSpace()
            let start = position
            guard skipString() else { return nil }
            let isWanted = bytes[(start + 1)..<(position - 1)].elementsEqual(wanted)
            skipSpace()
            guard take(":") else { return nil }
            skipSpace()
            if isWanted { return .value }
            guard skipValue() else { return nil }
            skipSpace()
            if take(",") { continue }
            return next == UInt8(ascii: "}") ? .missing(isEmpty: false) : nil
        }
    }

    mutating func skipString() -> Bool {
        guard take("\"") else { return false }
        while let byte = next {
            position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return true }
        }
        return false
    }

    /// Counts brackets instead of recursing: bodies may be deep.
    mutating func skipValue() -> Bool {
        var depth = 0
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""): guard skipString() else { return false }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return true }
                depth -= 1
                position += 1
            case UInt8(ascii: ",") where depth == 0: return true
            default: position += 1
            }
            let ended = byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
            if depth == 0, ended { return true }
        }
        return false
    }
}
