/// Record IDs in their 18-character form.
enum SalesforceID {
    /// - Parameter prefix: three characters, `001` for an account.
    static func make(prefix: String, number: UInt64) -> String {
        let base = prefix + "Dp00000" + padded(number, digits: 5)
        return eighteen(base)
    }

    /// Appends the three check characters, which tell upper case from lower: bit i of each says that character i of
    /// its five is upper case.
    static func eighteen(_ fifteen: String) -> String {
        let characters = Array(fifteen.utf8)
        precondition(characters.count == 15, "a short ID has 15 characters")
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".utf8)
        var suffix: [UInt8] = []
        for group in 0..<3 {
            var bits = 0
            for index in 0..<5 where (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(characters[group * 5 + index]) {
                bits |= 1 << index
            }
            suffix.append(alphabet[bits])
        }
        return String(decoding: characters + suffix, as: UTF8.self)
    }

    private static func padded(_ number: UInt64, digits: Int) -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        var rest = number
        var text: [UInt8] = []
        for _ in 0..<digits {
            text.append(alphabet[Int(rest % 62)])
            rest /= 62
        }
        return String(decoding: text.reversed(), as: UTF8.self)
    }
}
