import CEL
import Crypto
import Documents
import Events

/// Times, Salesforce IDs, and text forms of values.
extension RuleFunctions {
    static let values: [CELFunction] = [
        CELFunction(
            "ts",
            [
                .global(.timestamp, returns: .timestamp), .global(.int, returns: .timestamp),
                .global(.string, returns: .timestamp), .global(.null, returns: .null),
            ], .unary(timestamp)),
        CELFunction(
            "date", [.receiver(.timestamp, .string, returns: .string)],
            .binary { time, zone, _ throws(CELError) in
                guard case .timestamp(let time) = time, case .string(let zone) = zone else { return nil }
                return .string(try time.date(inZone: zone))
            }),
        identifier("sf.id15") { String($0.prefix(15)) },
        identifier("sf.id18", SalesforceID.long),
        CELFunction(
            "sf.sameId", [.global(.nullable(.string), .nullable(.string), returns: .bool)],
            .binary { left, right, _ in
                guard case .string(let left) = left, case .string(let right) = right else { return nil }
                return .bool(SalesforceID.isSame(left, right))
            }),
        CELFunction(
            "json", [.global(.dyn, returns: .string)],
            .unary { value, frame throws(CELError) in
                let bytes = try jsonText(value)
                try frame.charge(items: bytes.count)
                return .string(String(decoding: bytes, as: UTF8.self))
            }),
        CELFunction(
            "sha256", [.global(.dyn, returns: .string)],
            .unary { value, frame throws(CELError) in
                let bytes = try hashed(value)
                try frame.charge(items: bytes.count)
                return .string(Hex.text(SHA256.hash(data: bytes)))
            }),
        CELFunction(
            "urlEncode", [.global(.string, returns: .string)],
            .unary { value, frame throws(CELError) in
                guard case .string(let text) = value else { return nil }
                try frame.charge(items: text.utf8.count)
                return .string(PercentEncoding.segment(text))
            }),
    ]

    /// From a time, epoch milliseconds or RFC 3339 text, with Salesforce's `+0000` too. Null gives null.
    private static func timestamp(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch value {
        case .null, .timestamp: return value
        case .int(let milliseconds): return CELValue(milliseconds: milliseconds)
        case .string(let text):
            guard let time = CELTimestamp(withColonInOffset(text)) else {
                throw badArgument("the text is no time: RFC 3339 is expected")
            }
            return .timestamp(time)
        default: return nil
        }
    }

    /// `…+0000` → `…+00:00`
    private static func withColonInOffset(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard bytes.count > 5, bytes[bytes.count - 5] == UInt8(ascii: "+") || bytes[bytes.count - 5] == UInt8(ascii: "-"),
            bytes.suffix(4).allSatisfy({ (0x30...0x39).contains($0) })
        else { return text }
        let cut = bytes.count - 2
        return String(decoding: bytes[..<cut] + [UInt8(ascii: ":")] + bytes[cut...], as: UTF8.self)
    }

    /// Null gives null; text that is no ID is a fault.
    private static func identifier(
        _ name: String, _ convert: @escaping @Sendable (String) -> String?
    ) -> CELFunction {
        CELFunction(
            name, [.global(.string, returns: .string), .global(.null, returns: .null)],
            .unary { value, _ throws(CELError) in
                guard case .string(let id) = value else {
                    if case .null = value { return .null }
                    return nil
                }
                guard SalesforceID.long(id) != nil, let converted = convert(id) else {
                    throw badArgument("the text is no Salesforce ID of 15 or 18 characters")
                }
                return .string(converted)
            })
    }

    private static func jsonText(_ value: CELValue) throws(CELError) -> [UInt8] {
        do {
            return try value.json()
        } catch {
            if case .failed(let error) = error { throw error }
            throw badArgument(error.words)
        }
    }

    /// The bytes of bytes, the UTF-8 of text, the JSON of anything else.
    private static func hashed(_ value: CELValue) throws(CELError) -> [UInt8] {
        switch value {
        case .bytes(let bytes): bytes
        case .string(let text): Array(text.utf8)
        default: try jsonText(value)
        }
    }
}
