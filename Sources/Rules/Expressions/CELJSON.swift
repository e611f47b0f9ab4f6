import CEL
import Events

/// JSON of computed values: no white space, map literals in written order, records in schema order. The same value always
/// gives the same bytes, since they are signed.
struct CELJSON {
    /// Of one rendered body, and of the text of `json(v)`.
    static let maximumBytes = 1 << 20
    /// Values nest as deep as expressions do; records as deep as their schema.
    static let maximumDepth = 250

    enum Failure: Error {
        case notFinite
        case noJSON(String)
        case keyIsNoText
        case tooLong
        case tooDeep
        case failed(CELError)

        var words: String {
            switch self {
            case .notFinite: "a number is not finite, which JSON cannot carry"
            case .noJSON(let type): "a value of type \(type) has no JSON form"
            case .keyIsNoText: "a key of a map is not text"
            case .tooLong: "it is longer than 1 MiB"
            case .tooDeep: "it nests too deep"
            case .failed(let error): error.message
            }
        }
    }

    var text: JSONText
    /// Elements and members that were left out: they add nothing to the text, and take their time.
    private var skipped = 0

    /// What was done, in bytes.
    var work: Int { text.bytes.count + skipped }

    /// - Parameter size: of the text, as far as one can tell.
    init(reserving size: Int = 0) { text = JSONText(reserving: size) }

    /// Appends a value. An empty optional inside a list or map is left out.
    mutating func append(_ value: CELValue, depth: Int = 0) throws(Failure) {
        guard depth < Self.maximumDepth else { throw .tooDeep }
        guard work <= Self.maximumBytes else { throw .tooLong }
        switch value {
        case .null: text.raw("null")
        case .bool(let flag): flag ? text.raw("true") : text.raw("false")
        case .int(let number): text.int(number)
        case .uint(let number): text.raw(String(number).utf8)
        case .double(let number): guard text.double(number) else { throw .notFinite }
        case .string(let string): text.string(string)
        case .bytes(let bytes): text.value(.bytes(bytes))
        case .timestamp(let time): text.string(time.text)
        case .duration(let duration): text.string(duration.text)
        case .list(let values): try append(values, depth: depth)
        case .map(let map): try append(map, depth: depth)
        case .object(let object): try append(object, depth: depth)
        case .optional(let inner?): try append(inner, depth: depth)
        case .optional(nil): text.raw("null")
        case .type: throw .noJSON(value.typeName)
        }
    }

    private mutating func append(_ values: [CELValue], depth: Int) throws(Failure) {
        text.raw("[")
        var isFirst = true
        for value in values {
            if case .optional(nil) = value {
                skipped += 1
                continue
            }
            if !isFirst { text.raw(",") }
            isFirst = false
            try append(value, depth: depth + 1)
        }
        text.raw("]")
    }

    private mutating func append(_ map: CELMap, depth: Int) throws(Failure) {
        var members = Members()
        for (key, value) in zip(map.keys, map.values) {
            guard case .string(let name) = key else { throw .keyIsNoText }
            try members.append(name, value, to: &self, depth)
        }
        members.close(&self)
    }

    private mutating func append(_ object: any CELObject, depth: Int) throws(Failure) {
        let present: [(name: String, value: CELValue)]
        do {
            present = try object.presentMembers()
        } catch {
            throw .failed(error)
        }
        var members = Members()
        for member in present { try members.append(member.name, member.value, to: &self, depth) }
        members.close(&self)
    }

    private struct Members {
        private var isFirst = true

        mutating func append(
            _ name: String, _ value: CELValue, to json: inout CELJSON, _ depth: Int
        ) throws(Failure) {
            if case .optional(nil) = value {
                json.skipped += 1
                return
            }
            isFirst ? json.text.raw("{") : json.text.raw(",")
            isFirst = false
            json.text.string(name)
            json.text.raw(":")
            try json.append(value, depth: depth + 1)
        }

        func close(_ json: inout CELJSON) { isFirst ? json.text.raw("{}") : json.text.raw("}") }
    }
}

extension CELValue {
    /// Canonical JSON text.
    func json() throws(CELJSON.Failure) -> [UInt8] {
        var json = CELJSON()
        try json.append(self)
        return json.text.bytes
    }
}
