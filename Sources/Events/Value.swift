/// A value of a record, a template or an expression.
///
/// A `record` holds only the fields that are *known*: a field that the event does not tell is not there at all, one
/// that is known to be empty is `.null`. That is how absent and null stay apart, at every depth.
public enum Value: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    /// Milliseconds since 1970-01-01T00:00:00Z.
    case timestamp(Int64)
    case list([Value])
    case record(Fields)
}

/// Named values in a fixed order (schema order, or the order of a file).
public struct Fields: Hashable, Sendable {
    public struct Field: Hashable, Sendable {
        public var name: String
        public var value: Value

        public init(name: String, value: Value) {
            self.name = name
            self.value = value
        }
    }

    public private(set) var fields: [Field]

    public init(_ fields: [Field] = []) { self.fields = fields }

    public var isEmpty: Bool { fields.isEmpty }

    /// Nil is *absent*; `.null` is a value. Setting nil removes the field.
    public subscript(name: String) -> Value? {
        get { fields.first { $0.name == name }?.value }
        set {
            let index = fields.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): fields[index].value = value
            case (let index?, nil): fields.remove(at: index)
            case (nil, let value?): fields.append(Field(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Appends without looking for an earlier field of that name.
    public mutating func append(_ name: String, _ value: Value) {
        fields.append(Field(name: name, value: value))
    }
}

extension Fields: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, Value)...) {
        self.init(elements.map { Field(name: $0.0, value: $0.1) })
    }
}
