/// Sizes as files write them: `500kB`, `64MB`, `1GB`; `0` alone.
package enum SizeText {
    /// - Returns: bytes; nil for anything else, and for more than 1,000 GB.
    package static func bytes(_ text: String) -> Int64? {
        let scalars = Array(text.unicodeScalars)
        let digits = scalars.prefix(while: \.isDigit)
        guard (1...12).contains(digits.count), let number = Int64(String(scalars: digits)) else { return nil }
        let unit: Int64
        switch String(scalars: scalars.dropFirst(digits.count)) {
        case "" where number == 0: unit = 1
        case "kB": unit = 1 << 10
        case "MB": unit = 1 << 20
        case "GB": unit = 1 << 30
        default: return nil
        }
        let (bytes, isTooMuch) = number.multipliedReportingOverflow(by: unit)
        return isTooMuch || bytes > 1000 << 30 ? nil : bytes
    }
}

extension YAMLNode {
    /// What `KeyChecker` has already held against the key tables: nil is "not given, or already reported".
    package func bytes(_ key: String) -> Int64? { text(key).flatMap(SizeText.bytes) }
}
