/// An org's ID: the 18-character form of `00D…`.
package struct OrgID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// - Parameter text: 15 or 18 characters. Nil for anything that is not an org ID.
    package init?(_ text: some StringProtocol) {
        let characters = Array(text.utf8)
        guard characters.count == 15 || characters.count == 18, characters.starts(with: Array("00D".utf8)),
            characters.allSatisfy(Self.isAlphanumeric)
        else { return nil }
        description = String(decoding: characters.prefix(15), as: UTF8.self) + Self.suffix(of: characters)
    }

    /// Three characters, one for each five: which of them are capitals.
    private static func suffix(of characters: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".utf8)
        let bytes = stride(from: 0, to: 15, by: 5).map { start in
            let capitals = (0..<5).filter { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(characters[start + $0]) }
            return alphabet[capitals.reduce(0) { $0 | 1 << $1 }]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isAlphanumeric(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

extension OrgID {
    /// From the `id` of a token response: `https://login.salesforce.com/id/<org ID>/<user ID>`.
    package init?(identityURL: String) {
        let parts = identityURL.split(separator: "/", omittingEmptySubsequences: true)
        guard parts.count >= 2 else { return nil }
        self.init(parts[parts.count - 2])
    }
}
