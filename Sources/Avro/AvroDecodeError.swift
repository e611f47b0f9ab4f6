/// Why bytes are not a value of a schema. Never holds any of the bytes.
package struct AvroDecodeError: Error, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case truncated, badVarint, intOutOfRange, badBoolean, badUnionBranch, badEnumIndex, negativeLength
        case lengthBeyondEnd, badBlockSize, invalidUTF8, tooDeep, tooManyItems, trailingBytes, outputTooLarge
    }

    package var code: Code
    /// Bytes from the beginning of the payload.
    package var offset: Int
    /// The field, with its outer fields: `BillingAddress.City`. Empty if the root is not a record.
    package var path: String

    package init(code: Code, offset: Int, path: String) {
        self.code = code
        self.offset = offset
        self.path = path
    }

    package var description: String {
        "\(code.meaning) at byte \(offset)" + (path.isEmpty ? "" : ", field \(path)")
    }
}

extension AvroDecodeError.Code {
    var meaning: String {
        switch self {
        case .truncated: "the payload ends too early"
        case .badVarint: "a number is longer than 64 bits"
        case .intOutOfRange: "an int is beyond 32 bits"
        case .badBoolean: "a boolean is neither 0 nor 1"
        case .badUnionBranch: "the union has no such branch"
        case .badEnumIndex: "the enum has no such symbol"
        case .negativeLength: "a length is negative"
        case .lengthBeyondEnd: "a length reaches beyond the payload"
        case .badBlockSize: "a block is not as long as it says"
        case .invalidUTF8: "text is not UTF-8"
        case .tooDeep: "more than \(DecodeLimits.depth) values inside each other"
        case .tooManyItems: "more items than the payload can hold"
        case .trailingBytes: "bytes are left over"
        case .outputTooLarge: "the JSON would be larger than \(DecodeLimits.jsonBytes) bytes"
        }
    }
}

/// What one payload may cost.
enum DecodeLimits {
    /// Records, arrays and maps inside each other.
    static let depth = 512
    /// Values that take no bytes (nulls in an array, empty records). Everything else is bounded by the payload itself.
    static let emptyValues = 1_000_000
    static let jsonBytes = 64 << 20
    /// Offsets are kept in 32 bits.
    static let payloadBytes = 1 << 30
}

/// The same inside the decoder: plain numbers, so that throwing and passing on costs a register.
package struct DecodeFailure: Error {
    var code: AvroDecodeError.Code
    var offset: Int
    /// Up to four field numbers plus one, 16 bits each, the outermost lowest.
    var trail: UInt64 = 0

    func inside(field: Int) -> DecodeFailure {
        DecodeFailure(code: code, offset: offset, trail: trail << 16 | UInt64(truncatingIfNeeded: field + 1))
    }
}
