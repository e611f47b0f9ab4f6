import Documents

/// Record IDs in their two forms: 15 characters, case-sensitive, and 18, whose last three say which are upper case.
enum SalesforceID {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".utf8)

    /// - Returns: the 18-character form, in the case that its own last three characters tell; nil for text that is not
    ///   an ID.
    static func long(_ id: String) -> String? {
        var bytes = Array(id.utf8)
        guard bytes.count == 15 || bytes.count == 18, id.unicodeScalars.allSatisfy({ $0.isLetter || $0.isDigit }),
            bytes.count == 15 || restoreCase(&bytes)
        else { return nil }
        var suffix: [UInt8] = []
        for group in 0..<3 {
            var bits = 0
            for index in 0..<5 where (0x41...0x5A).contains(bytes[group * 5 + index]) { bits |= 1 << index }
            suffix.append(alphabet[bits])
        }
        return String(decoding: bytes[..<15] + suffix, as: UTF8.self)
    }

    /// The long form survives systems that change upper and lower case.
    ///
    /// - Returns: false if the last three characters cannot belong to the others.
    private static func restoreCase(_ bytes: inout [UInt8]) -> Bool {
        for group in 0..<3 {
            guard let bits = alphabet.firstIndex(of: upper(bytes[15 + group])) else { return false }
            for place in 0..<5 {
                let index = group * 5 + place
                let isUpper = bits & 1 << place != 0
                if (0x30...0x39).contains(bytes[index]) {
                    guard !isUpper else { return false }
                } else {
                    bytes[index] = isUpper ? upper(bytes[index]) : bytes[index] | 0x20
                }
            }
        }
        return true
    }

    private static func upper(_ byte: UInt8) -> UInt8 { (0x61...0x7A).contains(byte) ? byte - 0x20 : byte }

    /// Upper and lower case are mixed, and otherwise than the last three characters tell: one of the two is wrong.
    static func contradictsItself(_ id: String) -> Bool {
        let first = id.prefix(15)
        return id.utf8.count == 18 && first.contains(where: \.isUppercase) && first.contains(where: \.isLowercase)
            && long(id).map { !$0.hasPrefix(first) } ?? false
    }

    /// Whether two IDs, each in either form, name the same record.
    static func isSame(_ left: String, _ right: String) -> Bool {
        if left == right { return true }
        // Asked for each event, and most often of different records.
        guard left.utf8.prefix(15).elementsEqual(right.utf8.prefix(15), by: { $0 | 0x20 == $1 | 0x20 }) else {
            return false
        }
        return long(left) != nil && long(left) == long(right)
    }
}
