import Avro
import Events

/// Decodes lines of JSON text, one answer line per line, and never stops at a bad one.
///
/// In: `{"schema": <Avro JSON>, "payloadHex": "…"}`. Out: `{"schemaId": "…", "record": …}`, for change events also
/// `"changedFields": […]` by name, or `{"error": {"code": "…", "message": "…"}}`.
package struct DecodeLines {
    package static let maximumLineBytes = 64 << 20
    /// Compiled schemas kept; when full, all are forgotten.
    static let cacheLimit = 256
    /// Longer schema texts are compiled anew for every line.
    static let cachedTextBytes = 1 << 20

    private struct Compiled {
        var id: String
        var decoder: AvroDecoder
        /// Nil unless the schema is that of a change event.
        var events: EventSchema?
    }

    private var cache: [ArraySlice<UInt8>: Compiled] = [:]

    package init() {}

    /// - Parameter line: without its line break.
    /// - Returns: without a line break.
    package mutating func answer(_ line: [UInt8]) -> [UInt8] {
        do throws(LineError) {
            return try decode(line)
        } catch {
            return error.json
        }
    }

    private mutating func decode(_ line: [UInt8]) throws(LineError) -> [UInt8] {
        let request = try LineRequest(line)
        let schema = try compiled(request.schema)
        var output = JSONBuffer()
        output.append("{\"schemaId\":\"")
        Array(schema.id.utf8).withUnsafeBytes { output.append($0) }
        output.append("\",\"record\":")
        do { try schema.decoder.appendJSON(request.payload, to: &output) } catch { throw LineError(error) }
        if let events = schema.events { try appendChangedFields(request.payload, events, to: &output) }
        output.append("}")
        return output.bytes
    }

    private func appendChangedFields(
        _ payload: [UInt8], _ schema: EventSchema, to output: inout JSONBuffer
    ) throws(LineError) {
        var header = ChangeEventHeader.empty
        var recent = RecentHeader()
        do { _ = try DecodedPayload(payload, schema: schema, header: &header, recent: &recent) } catch {
            throw LineError(error)
        }
        var names = JSONText()
        names.value(.list(header.changedFields.map(Value.string)))
        output.append(",\"changedFields\":")
        names.bytes.withUnsafeBytes { output.append($0) }
    }

    private mutating func compiled(_ text: ArraySlice<UInt8>) throws(LineError) -> Compiled {
        if let known = cache[text] { return known }
        let schema: Schema
        do { schema = try Schema(json: text) } catch {
            throw LineError(code: "invalidSchema", message: error.description)
        }
        let id = schema.fingerprint
        let events = (try? EventSchema(schema, id: id)).flatMap { $0.isChangeEvent ? $0 : nil }
        let new = Compiled(id: id, decoder: events?.decoder ?? AvroDecoder(schema), events: events)
        if text.count <= Self.cachedTextBytes {
            if cache.count >= Self.cacheLimit { cache.removeAll() }
            // A copy: the slice would keep its whole line.
            cache[Array(text)[...]] = new
        }
        return new
    }
}

/// The two parts of a line.
private struct LineRequest {
    /// Avro JSON text.
    var schema: ArraySlice<UInt8>
    var payload: [UInt8]

    init(_ line: [UInt8]) throws(LineError) {
        guard line.count <= DecodeLines.maximumLineBytes else {
            throw LineError(code: "lineTooLong", message: "the line is longer than \(DecodeLines.maximumLineBytes) bytes")
        }
        let parts: [String: Range<Int>]
        do { parts = try Self.members(line) } catch {
            throw LineError(code: "invalidLine", message: "the line is \(error)")
        }
        guard let schema = parts["schema"] else {
            throw LineError(code: "missingSchema", message: "the line has no key \"schema\"")
        }
        guard let hex = parts["payloadHex"] else {
            throw LineError(code: "missingPayload", message: "the line has no key \"payloadHex\"")
        }
        self.schema = try Self.schemaText(line[schema])
        guard line[hex].count >= 2, line[hex].first == UInt8(ascii: "\""), line[hex].last == UInt8(ascii: "\""),
            let payload = Hex.decode(line[hex].dropFirst().dropLast())
        else {
            throw LineError(
                code: "invalidHex", message: "\"payloadHex\" is not text of hexadecimal digits, two for every byte")
        }
        self.payload = payload
    }

    /// Where the value of each key stands. Values are not judged yet, except that the line ends after them.
    private static func members(_ line: [UInt8]) throws(JSONError) -> [String: Range<Int>] {
        var reader = JSONReader(line)
        var members: [String: Range<Int>] = [:]
        var first = true
        while let key = try reader.nextKey(first: first) {
            first = false
            let start = reader.position
            guard members.updateValue(try reader.skipValue(), forKey: key) == nil else {
                throw JSONError(reason: "a key stands twice", offset: start)
            }
        }
        try reader.end()
        return members
    }

    /// A schema may also come as JSON text inside a string, the way registries hand it out.
    private static func schemaText(_ text: ArraySlice<UInt8>) throws(LineError) -> ArraySlice<UInt8> {
        guard text.first == UInt8(ascii: "\""), text.contains(UInt8(ascii: "{")) || text.contains(UInt8(ascii: "["))
        else { return text }
        do {
            guard case .string(let inner) = try JSONReader.parse(Array(text)) else { return text }
            return Array(inner.utf8)[...]
        } catch {
            throw LineError(code: "invalidSchema", message: "the schema is \(error)")
        }
    }
}

private struct LineError: Error {
    var code: String
    var message: String

    init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: AvroDecodeError) { self.init(code: error.code.rawValue, message: error.description) }

    var json: [UInt8] {
        var text = JSONText()
        text.value(.record(["error": .record(["code": .string(code), "message": .string(message)])]))
        return text.bytes
    }
}
