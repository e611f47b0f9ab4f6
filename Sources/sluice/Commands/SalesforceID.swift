/// Record IDs as operators type them.
enum SalesforceID {
    /// 15 or 18 letters and digits.
    static func isID(_ text: String) -> Bool {
        [15, 18].contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"):
                    true
                default: false
                }
            }
    }
}
