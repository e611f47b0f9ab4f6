/// A field of an answer that came later than the answer itself. A relay of an earlier version does not send it; to a
/// newer `sluice` that asks such a relay, the field is empty.
@propertyWrapper
package struct Later<Value: HasEmptyValue & Codable & Sendable>: Sendable, Codable {
    package var wrappedValue: Value

    package init(wrappedValue: Value) { self.wrappedValue = wrappedValue }

    package init(from decoder: any Decoder) throws { wrappedValue = try Value(from: decoder) }

    package func encode(to encoder: any Encoder) throws { try wrappedValue.encode(to: encoder) }
}

/// What has a value that says nothing.
package protocol HasEmptyValue { init() }

extension Array: HasEmptyValue {}
extension Dictionary: HasEmptyValue {}
extension Int: HasEmptyValue {}
extension String: HasEmptyValue {}
extension Bool: HasEmptyValue {}

extension KeyedDecodingContainer {
    /// Chosen by the compiler for fields with the wrapper.
    func decode<Value>(_ type: Later<Value>.Type, forKey key: Key) throws -> Later<Value> {
        try decodeIfPresent(type, forKey: key) ?? Later(wrappedValue: Value())
    }
}
