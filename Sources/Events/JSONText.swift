/// Appends JSON to a byte array: no white space, UTF-8, no escapes beyond what JSON requires.
///
/// The same value always gives the same bytes, since what is sent is also signed.
public struct JSONText: Sendable {
    public var bytes: [UInt8] = []

    public init() {}

    /// - Parameter size: of the text, as far as one can tell.
    public init(reserving size: Int) { bytes.reserveCapacity(size) }

    public var string: String { String(decoding: bytes, as: UTF8.self) }

    public mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends text that already is JSON.
    public mutating func raw(_ text: [UInt8]) { bytes.append(contentsOf: text) }

    /// Appends text that already is JSON.
    public mutating func raw(_ text: some Sequence<UInt8>) { bytes.append(contentsOf: text) }

    public mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { Self.appendQuoted($0, to: &bytes) }
    }

    public mutating func int(_ value: Int64) {
        var buffer: (UInt64, UInt64, UInt32) = (0, 0, 0)
        withUnsafeMutableBytes(of: &buffer) { digits in
            var position = digits.count
            var rest = value.magnitude
            repeat {
                position -= 1
                digits[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest != 0
            if value < 0 {
                position -= 1
                digits[position] = UInt8(ascii: "-")
            }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: digits[position...]))
        }
    }

    /// The shortest form that reads back the same; whole numbers without a fraction (`120000`).
    /// Minus zero stays `-0.0`.
    ///
    /// - Returns: false, with nothing appended, for NaN and the infinities, which JSON cannot say.
    @discardableResult
    public mutating func double(_ value: Double) -> Bool {
        guard value.isFinite else { return false }
        if value == value.rounded(.towardZero), value.magnitude < 9_007_199_254_740_992,
            value != 0 || value.sign == .plus
        {
            int(Int64(value))
        } else {
            bytes.append(contentsOf: value.description.utf8)
        }
        return true
    }

    /// `.bytes` become base64 text, `.timestamp` RFC 3339 text.
    ///
    /// - Returns: false if a number in it is not finite; the text is then unusable.
    @discardableResult
    public mutating func value(_ value: Value) -> Bool {
        switch value {
        case .null: raw("null")
        case .bool(let flag): flag ? raw("true") : raw("false")
        case .int(let number): int(number)
        case .double(let number): return double(number)
        case .string(let text): string(text)
        case .bytes(let content):
            raw("\"")
            Base64.appendEncoded(content, to: &bytes)
            raw("\"")
        case .timestamp(let milliseconds): string(Timestamp.rfc3339(milliseconds))
        case .list(let values): return list(values)
        case .record(let fields): return record(fields)
        }
        return true
    }

    private mutating func list(_ values: [Value]) -> Bool {
        raw("[")
        for (index, element) in values.enumerated() {
            if index > 0 { raw(",") }
            guard value(element) else { return false }
        }
        raw("]")
        return true
    }

    private mutating func record(_ fields: Fields) -> Bool {
        raw("{")
        for (index, field) in fields.fields.enumerated() {
            if index > 0 { raw(",") }
            string(field.name)
            raw(":")
            guard value(field.value) else { return false }
        }
        raw("}")
        return true
    }

    /// Appends `text` in quotes. The text must be UTF-8.
    public static func appendQuoted(_ text: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        var start = 0
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            output.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<index]))
            appendEscaped(byte, to: &output)
            start = index + 1
        }
        output.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
        output.append(UInt8(ascii: "\""))
    }

    private static func appendEscaped(_ byte: UInt8, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: output.append(UInt8(ascii: "b"))
        case 0x09: output.append(UInt8(ascii: "t"))
        case 0x0A: output.append(UInt8(ascii: "n"))
        case 0x0C: output.append(UInt8(ascii: "f"))
        case 0x0D: output.append(UInt8(ascii: "r"))
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
        default:
            // Only control characters come here: U+0000 to U+001F.
            let low = byte & 15
            output.append(contentsOf: "u00".utf8)
            output.append(UInt8(ascii: "0") + byte >> 4)
            output.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }
}
