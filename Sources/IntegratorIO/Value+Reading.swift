import Events

/// Reading of documents whose fields may be missing or of another type than documented.
extension Value {
    /// Nil when this is no object, or has no such field.
    subscript(_ name: String) -> Value? {
        guard case .record(let fields) = self else { return nil }
        return fields[name]
    }

    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var list: [Value]? {
        guard case .list(let values) = self else { return nil }
        return values
    }

    var fields: Fields? {
        guard case .record(let fields) = self else { return nil }
        return fields
    }

    var flag: Bool? {
        guard case .bool(let flag) = self else { return nil }
        return flag
    }

    /// A number of things; 0 where there is none. What is beyond any is nonsense, and must still be added up.
    func count(_ name: String) -> Int { Int(min(max(self[name]?.integer ?? 0, 0), 1 << 40)) }

    /// Of a whole number within 64 bits, also where it is written as text.
    var integer: Int64? {
        switch self {
        case .int(let number): number
        case .double(let number): Int64(exactly: number)
        case .string(let text): Int64(text)
        default: nil
        }
    }
}
