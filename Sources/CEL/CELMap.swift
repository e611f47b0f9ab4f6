/// A key of a CEL map: bool, int, uint or string. `1` and `1u` are the same key.
package enum CELKey: Sendable {
    case bool(Bool)
    case int(Int64)
    /// Only above `Int64.max`, so that equal numbers have one form.
    case large(UInt64)
    /// A uint that fits in an int: the same key as that int, but it reads back as uint.
    case uint(Int64)
    case string(String)

    /// The key a value looks up. Doubles find integer keys; nil for values that can be no key.
    package init?(_ value: CELValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .bool(let flag): self = .bool(flag)
        case .int(let number): self = .int(number)
        case .uint(let number): self = Int64(exactly: number).map { .uint($0) } ?? .large(number)
        case .double(let number):
            if let whole = Int64(wholeOf: number) {
                self = .int(whole)
            } else if let whole = UInt64(exactly: number) {
                self = .large(whole)
            } else {
                return nil
            }
        default: return nil
        }
    }

    package var value: CELValue {
        switch self {
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .large(let number): .uint(number)
        case .uint(let number): .uint(UInt64(number))
        case .string(let text): .string(text)
        }
    }
}

extension CELKey: Hashable {
    package static func == (left: CELKey, right: CELKey) -> Bool {
        switch (left, right) {
        case (.string(let left), .string(let right)): sameText(left, right)
        case (.int(let left), .int(let right)), (.int(let left), .uint(let right)): left == right
        case (.uint(let left), .int(let right)), (.uint(let left), .uint(let right)): left == right
        case (.bool(let left), .bool(let right)): left == right
        case (.large(let left), .large(let right)): left == right
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .bool(let flag): hasher.combine(flag)
        case .int(let number), .uint(let number): hasher.combine(number)
        case .large(let number): hasher.combine(number)
        case .string(let text): withBytes(text) { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }
}

/// An immutable map that keeps the order in which its entries were written.
package final class CELMap: Sendable {
    package let keys: [CELKey]
    package let values: [CELValue]
    /// Only for maps too large to scan.
    private let positions: [CELKey: Int]?

    private static let scanLimit = 8

    /// - Precondition: no key occurs twice.
    private init(keys: [CELKey], values: [CELValue], positions: [CELKey: Int]) {
        self.keys = keys
        self.values = values
        self.positions = keys.count > Self.scanLimit ? positions : nil
    }

    /// Entries in order; of repeated keys the first place and the last value stay.
    package convenience init(_ entries: [(CELKey, CELValue)]) {
        var builder = Builder()
        for (key, value) in entries { builder.set(key, value) }
        self.init(keys: builder.keys, values: builder.values, positions: builder.positions)
    }

    package var count: Int { keys.count }
    package var isEmpty: Bool { keys.isEmpty }

    package subscript(_ key: CELKey) -> CELValue? {
        guard let position = position(of: key) else { return nil }
        return values[position]
    }

    private func position(of key: CELKey) -> Int? {
        if let positions { return positions[key] }
        return keys.firstIndex(of: key)
    }

    package func equals(_ other: CELMap) -> Bool {
        guard count == other.count else { return false }
        for (index, key) in keys.enumerated() {
            guard let value = other[key], values[index].equals(value) else { return false }
        }
        return true
    }
}

extension CELMap {
    /// Gathers entries and notices repeated keys.
    package struct Builder {
        fileprivate var keys: [CELKey] = []
        fileprivate var values: [CELValue] = []
        fileprivate var positions: [CELKey: Int] = [:]

        package init() {}

        /// - Returns: false when the key is there already; nothing is changed then.
        package mutating func insert(_ key: CELKey, _ value: CELValue) -> Bool {
            guard positions.updateValue(keys.count, forKey: key) == nil else { return false }
            keys.append(key)
            values.append(value)
            return true
        }

        package mutating func set(_ key: CELKey, _ value: CELValue) {
            if let position = positions[key] {
                values[position] = value
            } else {
                _ = insert(key, value)
            }
        }

        package func build() -> CELMap { CELMap(keys: keys, values: values, positions: positions) }
    }
}
