extension String {
    /// `^[a-z][a-z0-9-]{0,62}$`
    var isRuleName: Bool {
        guard let first = unicodeScalars.first, ("a"..."z").contains(first), utf8.count <= 63 else { return false }
        return unicodeScalars.allSatisfy { ("a"..."z").contains($0) || $0.isDigit || $0 == "-" }
    }

    /// `^[a-z][A-Za-z0-9]{0,62}$`
    var isVariableName: Bool {
        guard let first = unicodeScalars.first, ("a"..."z").contains(first), utf8.count <= 63 else { return false }
        return unicodeScalars.allSatisfy { $0.isLetter || $0.isDigit }
    }

    /// A token of RFC 9110.
    package var isHeaderName: Bool {
        !isEmpty && utf8.count <= 100
            && unicodeScalars.allSatisfy { $0.isWord || "!#$%&'*+-.^`|~".unicodeScalars.contains($0) }
    }

    /// `^[A-Za-z][A-Za-z0-9_]*$`, perhaps with further such names after dots.
    package var isAPIName: Bool {
        guard utf8.count <= 255 else { return false }
        return split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            part.unicodeScalars.first?.isLetter == true && part.unicodeScalars.allSatisfy(\.isWord)
        }
    }

    package var isHexID: Bool { utf8.count == 24 && unicodeScalars.allSatisfy(\.isHexDigit) }

    /// Whether `${` is in it, a literal `$${` included.
    package var hasInterpolation: Bool {
        var before: UInt8 = 0
        for byte in utf8 {
            if byte == UInt8(ascii: "{"), before == UInt8(ascii: "$") { return true }
            before = byte
        }
        return false
    }

    /// A key's documentation as the hint of a finding: no capital, no full stop.
    var asHint: String {
        let text = hasSuffix(".") || hasSuffix(",") ? String(dropLast()) : self
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
