/// A CEL value. Strings are sequences of Unicode scalars: nothing here normalises or counts grapheme clusters.
package enum CELValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case list([CELValue])
    case map(CELMap)
    case timestamp(CELTimestamp)
    case duration(CELDuration)
    /// A type as a value, by its CEL name: `int`, `list`, `google.protobuf.Timestamp`.
    case type(String)
    indirect case optional(CELValue?)
    /// A value of the embedder with members that may be absent.
    case object(any CELObject)
}

extension CELValue {
    /// The CEL name of this value's type, as `type(x)` yields it.
    package var typeName: String {
        switch self {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .list: "list"
        case .map: "map"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .type: "type"
        case .optional: "optional_type"
        case .object(let object): object.typeName
        }
    }

    /// Bytes that comparing it with another reads.
    var textSize: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        default: 0
        }
    }

    var isNull: Bool {
        if case .null = self { return true }
        return false
    }

    /// What `optional.ofNonZeroValue` treats as nothing.
    var isZero: Bool {
        switch self {
        case .null: true
        case .bool(let value): !value
        case .int(let value): value == 0
        case .uint(let value): value == 0
        case .double(let value): value == 0
        case .string(let value): value.isEmpty
        case .bytes(let value): value.isEmpty
        case .list(let value): value.isEmpty
        case .map(let value): value.isEmpty
        case .timestamp(let value): value.seconds == 0 && value.nanoseconds == 0
        case .duration(let value): value.nanoseconds == 0
        case .optional(let value): value == nil
        case .type, .object: false
        }
    }
}

/// CEL's `==`: numbers compare on one number line, values of different kinds are unequal, NaN is unequal to itself.
extension CELValue {
    package func equals(_ other: CELValue) -> Bool {
        switch (self, other) {
        case (.string(let left), .string(let right)): sameText(left, right)
        case (.int(let left), .int(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.bool(let left), .bool(let right)): left == right
        case (.null, .null): true
        case (.uint(let left), .uint(let right)): left == right
        case (.int, .uint), (.int, .double), (.uint, .int), (.uint, .double), (.double, .int), (.double, .uint):
            compareNumbers(self, other) == .same
        case (.bytes(let left), .bytes(let right)): left == right
        case (.list(let left), .list(let right)): Self.sameElements(left, right)
        case (.map(let left), .map(let right)): left.equals(right)
        case (.timestamp(let left), .timestamp(let right)): left == right
        case (.duration(let left), .duration(let right)): left == right
        case (.type(let left), .type(let right)): left == right
        case (.optional(let left), .optional(let right)): Self.sameOptionals(left, right)
        case (.object(let left), .object(let right)): left === right || left.equals(right)
        default: false
        }
    }

    private static func sameElements(_ left: [CELValue], _ right: [CELValue]) -> Bool {
        guard left.count == right.count else { return false }
        for index in left.indices where !left[index].equals(right[index]) { return false }
        return true
    }

    private static func sameOptionals(_ left: CELValue?, _ right: CELValue?) -> Bool {
        switch (left, right) {
        case (nil, nil): true
        case (let left?, let right?): left.equals(right)
        default: false
        }
    }
}
