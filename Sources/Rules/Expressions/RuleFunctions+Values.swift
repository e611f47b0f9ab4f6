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
            .binary { time, zone, frame throws(CELError) in
                guard case .timestamp(let time) = time, case .string(let zone) = zone else { return nil }
                return .string(try time.date(inZone: zone, frame))
            }),
        identifier("sf.id15") { SalesforceID.long($0).map { String($0.prefix(15)) } },
        identifier("sf.id18", SalesforceID.long),
        CELFunction(
            "sf.sameId", [.global(.nullable(.string), .nullable(.string), returns: .bool)],
            .binary { left, right, frame throws(CELError) in
                guard case .string(let left) = left, case .string(let right) = right else { return nil }
                try frame.charge(items: left.utf8.count + right.utf8.count)
                return .bool(SalesforceID.isSame(left, right))
            }),
        CELFunction(
            "json", [.global(.dyn, returns: .string)],
            .unary { value, frame throws(CELError) in
                .string(String(decoding: try jsonText(value, frame), as: UTF8.self))
            }),
        CELFunction(
            "sha256", [.global(.dyn, returns: .string)],
            .unary { value, frame throws(CELError) in
                .string(SHA256.hash(data: try hashed(value, frame)).hex())
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
        case .int(let milliseconds):
            guard let time = CELTimestamp(milliseconds: milliseconds) else {
                throw badArgument("the time is out of range: epoch milliseconds of the years 1 to 9999 are expected")
            }
            return .timestamp(time)
        case .string(let text):
            try frame.charge(items: text.utf8.count)
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
            .unary { value, frame throws(CELError) in
                guard case .string(let id) = value else {
                    if case .null = value { return .null }
                    return nil
                }
                try frame.charge(items: id.utf8.count)
                guard let converted = convert(id) else {
                    throw badArgument("the text is no Salesforce ID of 15 or 18 characters")
                }
                return .string(converted)
            })
    }

    /// What was written before it failed is paid for as well: an operator may absorb the failure, and try again.
    private static func jsonText(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> [UInt8] {
        var json = CELJSON()
        do throws(CELJSON.Failure) {
            try json.append(value)
        } catch {
            try frame.charge(items: json.work)
            if case .failed(let error) = error { throw error }
            throw badArgument(error.words)
        }
        try frame.charge(items: json.work)
        return json.text.bytes
    }

    /// The bytes of bytes, the UTF-8 of text, the JSON of anything else.
    private static func hashed(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> [UInt8] {
        switch value {
        case .bytes(let bytes):
            try frame.charge(items: bytes.count)
            return bytes
        case .string(let text):
            try frame.charge(items: text.utf8.count)
            return Array(text.utf8)
        default: return try jsonText(value, frame)
        }
    }
}
