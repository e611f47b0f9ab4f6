import CEL
import Events

/// A value for people and programs that look: everything has a form, keys of maps are text, and what is absent is left out
/// as in bodies.
struct ShownValue {
    /// Values may share parts, so that a short expression can stand for endless text.
    static let maximumBytes = CELJSON.maximumBytes

    private var bytes = 0

    /// - Returns: nil for what is absent.
    /// - Throws: when it is longer, or nests deeper, than a body may.
    static func of(_ value: CELValue) throws(CELJSON.Failure) -> Value? {
        var shown = ShownValue()
        return try shown.form(value, depth: 0)
    }

    private mutating func form(_ value: CELValue, depth: Int) throws(CELJSON.Failure) -> Value? {
        guard depth < CELJSON.maximumDepth else { throw .tooDeep }
        try count(1)
        switch value {
        case .optional(nil): return nil
        case .optional(let inner?): return try form(inner, depth: depth)
        case .null: return .null
        case .bool(let flag): return .bool(flag)
        case .int(let number): return .int(number)
        case .uint(let number): return Int64(exactly: number).map { .int($0) } ?? .string(String(number))
        case .double(let number): return number.isFinite ? .double(number) : .string(Self.name(of: number))
        case .string(let text):
            try count(text.utf8.count)
            return .string(text)
        case .bytes(let octets):
            try count(octets.count)
            return .bytes(octets)
        case .timestamp(let time): return .string(time.text)
        case .duration(let duration): return .string(duration.text)
        case .type(let name): return .string(name)
        case .list(let values):
            var elements: [Value] = []
            for value in values {
                if let element = try form(value, depth: depth + 1) { elements.append(element) }
            }
            return .list(elements)
        case .map(let map):
            return try members(zip(map.keys, map.values).lazy.map { ($0.value.keyText, $1) }, depth)
        case .object(let object):
            let present: [(name: String, value: CELValue)]
            do throws(CELError) { present = try object.presentMembers() } catch { throw .failed(error) }
            return try members(present.lazy.map { ($0.name, $0.value) }, depth)
        }
    }

    private mutating func members(
        _ members: some Sequence<(String, CELValue)>, _ depth: Int
    ) throws(CELJSON.Failure) -> Value {
        var fields: [Fields.Field] = []
        for (name, value) in members {
            try count(name.utf8.count)
            if let shown = try form(value, depth: depth + 1) { fields.append(.init(name: name, value: shown)) }
        }
        return .record(Fields(fields))
    }

    private mutating func count(_ more: Int) throws(CELJSON.Failure) {
        bytes += more
        guard bytes <= Self.maximumBytes else { throw .tooLong }
    }

    private static func name(of number: Double) -> String {
        number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity"
    }
}

extension CELValue {
    fileprivate var keyText: String {
        switch self {
        case .string(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): String(number)
        case .uint(let number): String(number)
        default: ""
        }
    }
}
