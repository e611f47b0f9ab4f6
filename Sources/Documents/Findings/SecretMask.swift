/// Hides what looks like a literal secret in a line that is shown for another reason.
///
/// Each character becomes one dot, so that columns stay true. A reference (`{env: NAME}`), a list and a template are shown.
enum SecretMask {
    private static let keys = ["clientSecret", "accessToken", "bearer", "password", "secret", "secrets", "token"]
        .map { Array($0.lowercased().unicodeScalars) + [":"] }

    static func apply(to line: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var line = line
        let lowered = line.map { $0.properties.lowercaseMapping.unicodeScalars.first ?? $0 }
        for start in lowered.indices {
            guard let key = keys.first(where: { lowered[start...].starts(with: $0) }) else { continue }
            mask(&line, from: start + key.count)
        }
        return line
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
