/// Hexadecimal text.
public enum Hex {
    /// The value of one digit of either case; nil for anything else.
    @inline(__always)
    public static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Two digits per byte, either case. Nil for an odd count or any other character.
    public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 2) else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(text.count / 2)
        var high: UInt8?
        for character in text {
            guard let digit = digit(character) else { return nil }
            if let first = high {
                output.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return output
    }

    public static func decode(_ text: String) -> [UInt8]? { decode(text.utf8) }

    /// Lower case.
    public static func encode(_ bytes: some Collection<UInt8>) -> String { Array(bytes).withUnsafeBytes(encode) }

    /// The same of bytes in place. Not generic: between modules such code asks for one element after another by calls.
    public static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { output in
            for (place, byte) in bytes.enumerated() {
                output[2 * place] = character(byte >> 4)
                output[2 * place + 1] = character(byte & 15)
            }
            return bytes.count * 2
        }
    }

    @inline(__always)
    private static func character(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }
}
