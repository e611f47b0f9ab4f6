import Events

/// How a plain scalar reads by the core schema of YAML 1.2 (section 10.3.2).
///
/// What YAML 1.1 saw as booleans, times or grouped numbers (`no`, `on`, `12:30:45`, `1_000`, `2026-11-22`) is text.
package enum CoreScalar: Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case text
    /// A whole number beyond 64 bits, or an infinity or NaN: a number that JSON could not carry exactly.
    case unusableNumber

    package init(_ text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .bool(true)
        case "false", "False", "FALSE": self = .bool(false)
        default: self = Self.number(text) ?? .text
        }
    }

    private static func number(_ text: String) -> CoreScalar? {
        guard let first = text.utf8.first, first < 0x3A, text.utf8.count <= 400 else { return nil }
        if text.hasPrefix("0x") { return integer(text.dropFirst(2), radix: 16) }
        if text.hasPrefix("0o") { return integer(text.dropFirst(2), radix: 8) }
        let unsigned = first == UInt8(ascii: "-") || first == UInt8(ascii: "+") ? text.dropFirst() : text[...]
        if [".inf", ".Inf", ".INF"].contains(unsigned) { return .unusableNumber }
        if [".nan", ".NaN", ".NAN"].contains(text) { return .unusableNumber }
        if !unsigned.isEmpty, unsigned.utf8.allSatisfy(isDigit) {
            return Int64(text).map(CoreScalar.int) ?? .unusableNumber
        }
        guard isFloat(unsigned), let number = Double(text) else { return nil }
        return number.isFinite ? .double(number) : .unusableNumber
    }

    private static func integer(_ digits: Substring, radix: Int) -> CoreScalar? {
        guard let first = digits.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "+"),
            digits.unicodeScalars.allSatisfy({ $0.isHexDigit && (radix == 16 || ("0"..."7").contains($0)) })
        else { return nil }
        return Int64(digits, radix: radix).map(CoreScalar.int) ?? .unusableNumber
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// `( "." digits | digits [ "." digits? ] ) [ (e|E) sign? digits ]`
    private static func isFloat(_ text: Substring) -> Bool {
        var rest = Array(text.utf8)[...]
        func digits() -> Int {
            let count = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        let whole = digits()
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits() > 0 || whole > 0 else { return false }
        } else if whole == 0 {
            return false
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}
