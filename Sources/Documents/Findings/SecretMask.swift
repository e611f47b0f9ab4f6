/// Hides what looks like a literal secret in a line that is shown for another reason.
///
/// Each character becomes one dot, so that columns stay true. A reference (`{env: NAME}`), a list and a template are
/// shown.
enum SecretMask {
    private static let keys = ["clientSecret", "accessToken", "bearer", "password", "secret", "secrets", "token"]
        .map { $0.lowercased().unicodeScalars.map { lowered($0) } + [UInt8(ascii: ":")] }
    private static let initials = Set(keys.map { $0[0] })

    /// Linear in the line, which may be as long as a file.
    static func apply(to line: [Unicode.Scalar]) -> [Unicode.Scalar] {
        let text = line.map { lowered($0) }
        var line = line
        if let value = valueOfAssignment(in: line) {
            for index in value..<line.count { line[index] = "•" }
            return line
        }
        guard text.contains(UInt8(ascii: ":")) else { return line }
        for start in text.indices where initials.contains(text[start]) {
            guard let key = keys.first(where: { text[start...].starts(with: $0) }) else { continue }
            mask(&line, from: start + key.count)
        }
        return line
    }

    /// Where the value begins in a line of an environment file (`NAME=value`, with or without `export`), which somebody
    /// gave for another one.
    static func valueOfAssignment(in line: some Collection<Unicode.Scalar>) -> Int? {
        var rest = Array(line)[...]
        func skipBlanks() { while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() } }
        skipBlanks()
        if rest.starts(with: "export ".unicodeScalars) { rest.removeFirst(7) }
        skipBlanks()
        let name = rest.prefix { ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0) || $0 == "_" }
        rest.removeFirst(name.count)
        skipBlanks()
        guard name.count >= 2, rest.first == "=", rest.dropFirst().first != "=" else { return nil }
        return line.count - rest.count + 1
    }

    /// ASCII in lower case; anything else is no part of a key.
    private static func lowered(_ scalar: Unicode.Scalar) -> UInt8 {
        guard scalar.value < 0x80 else { return 0 }
        let byte = UInt8(scalar.value)
        return (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
    }

    private static func mask(_ line: inout [Unicode.Scalar], from index: Int) {
        var index = index
        while index < line.count, line[index].isBlank { index += 1 }
        guard index < line.count, !["{", "[", "$", "#"].contains(line[index]) else { return }
        while index < line.count, line[index] != ",", line[index] != "}" {
            line[index] = "•"
            index += 1
        }
    }
}
