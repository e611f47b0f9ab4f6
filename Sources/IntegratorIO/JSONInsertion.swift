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
        var cursor = JSONCursor(body)
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
