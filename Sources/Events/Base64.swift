/// Base64 (RFC 4648) without Foundation, which would double the resident size.
public enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    private static let urlAlphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    /// The standard alphabet, padded.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        text(bytes, alphabet: alphabet, padded: true)
    }

    /// The URL-safe alphabet without padding, as in `schema_id`.
    public static func encodeURL(_ bytes: some Collection<UInt8>) -> String {
        text(bytes, alphabet: urlAlphabet, padded: false)
    }

    public static func appendEncoded(_ bytes: some Collection<UInt8>, to output: inout [UInt8]) {
        withContiguous(bytes) { source in
            let length = (source.count + 2) / 3 * 4
            output.append(
                contentsOf: [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
                    if length > 0 { count = write(source, to: UnsafeMutableRawPointer(buffer.baseAddress!)) }
                })
        }
    }

    /// Writes the padded standard form.
    ///
    /// - Parameter memory: has room for four characters per started group of three bytes.
    /// - Returns: the number of characters.
    @discardableResult
    public static func write(_ bytes: UnsafeRawBufferPointer, to memory: UnsafeMutableRawPointer) -> Int {
        write(bytes, to: memory, alphabet: alphabet, padded: true)
    }

    /// Accepts both alphabets, with or without padding. Nil for anything else.
    public static func decode(_ text: String) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count * 3 / 4)
        var buffer: UInt32 = 0
        var bits = 0
        var padding = 0
        for character in text.utf8 {
            if character == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            guard padding == 0, let value = value(of: character) else { return nil }
            buffer = buffer << 6 | value
            bits += 6
            if bits >= 8 {
                bits -= 8
                output.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
            }
        }
        guard bits < 6, buffer & ((1 << UInt32(bits)) - 1) == 0 else { return nil }
        // Padding, where it stands, fills the last group of four: two bits left over need one sign, four need two.
        guard padding == 0 || padding == bits / 2 else { return nil }
        return output
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }

    // MARK: Writing

    private static func text(
        _ bytes: some Collection<UInt8>, alphabet: StaticString, padded: Bool
    ) -> String {
        withContiguous(bytes) { source in
            String(unsafeUninitializedCapacity: (source.count + 2) / 3 * 4) { buffer in
                guard !source.isEmpty else { return 0 }
                return write(
                    source, to: UnsafeMutableRawPointer(buffer.baseAddress!), alphabet: alphabet, padded: padded)
            }
        }
    }

    private static func withContiguous<Result>(
        _ bytes: some Collection<UInt8>, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        bytes.withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) }
            ?? Array(bytes).withUnsafeBytes(body)
    }

    private static func write(
        _ bytes: UnsafeRawBufferPointer, to memory: UnsafeMutableRawPointer, alphabet: StaticString, padded: Bool
    ) -> Int {
        let letters = alphabet.utf8Start
        var written = 0
        func emit(_ group: UInt32, _ sextets: Int) {
            for index in 0..<sextets {
                let letter = letters[Int(group >> UInt32(18 - 6 * index) & 63)]
                memory.storeBytes(of: letter, toByteOffset: written + index, as: UInt8.self)
            }
            written += sextets
        }
        var index = 0
        while index + 3 <= bytes.count {
            emit(UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]), 4)
            index += 3
        }
        let rest = bytes.count - index
        guard rest > 0 else { return written }
        emit(UInt32(bytes[index]) << 16 | (rest == 2 ? UInt32(bytes[index + 1]) << 8 : 0), rest + 1)
        guard padded else { return written }
        for _ in rest..<3 {
            memory.storeBytes(of: UInt8(ascii: "="), toByteOffset: written, as: UInt8.self)
            written += 1
        }
        return written
    }
}
