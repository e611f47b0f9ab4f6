import Documents

/// Record IDs in their two forms: 15 characters, case-sensitive, and 18, whose last three say which are upper case.
enum SalesforceID {
    /// - Returns: the 18-character form; nil for text that is not an ID.
    static func long(_ id: String) -> String? {
        let bytes = Array(id.utf8)
        guard bytes.count == 15 || bytes.count == 18, id.unicodeScalars.allSatisfy({ $0.isLetter || $0.isDigit })
        else { return nil }
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".utf8)
        var suffix: [UInt8] = []
        for group in 0..<3 {
            var bits = 0
            for index in 0..<5 where (0x41...0x5A).contains(bytes[group * 5 + index]) { bits |= 1 << index }
            suffix.append(alphabet[bits])
        }
        return String(decoding: bytes[..<15] + suffix, as: UTF8.self)
    }

    /// Whether two IDs, each in either form, name the same record.
    static func isSame(_ left: String, _ right: String) -> Bool {
        left == right || (left.utf8.count != right.utf8.count && long(left) != nil && long(left) == long(right))
    }
}
