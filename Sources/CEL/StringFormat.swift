import Glibc

/// `'%s has %d'.format([...])`.
/// Source: cel-spec, strings extension: %s, %d, %f, %e with an optional precision, %b, %o, %x, %X, %%.
enum StringFormat {
    /// More digits than a double ever has behind the point would be noise.
    private static let precisionLimit = 100

    static func format(
        _ template: String, _ arguments: [CELValue], _ frame: CELFrame
    ) throws(CELError) -> String {
        try frame.charge(items: template.utf8.count)
        var rest = template.unicodeScalars[...]
        var result = String.UnicodeScalarView()
        var next = 0
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                result.append(scalar)
                continue
            }
            guard let clause = try clause(&rest) else {
                result.append("%")
                continue
            }
            guard next < arguments.count else {
                throw CELError(.indexOutOfRange, "the format has more clauses than arguments")
            }
            result.append(contentsOf: try text(arguments[next], clause, frame).unicodeScalars)
            next += 1
        }
        return String(result)
    }

    private struct Clause {
        let verb: Unicode.Scalar
        let precision: Int?
    }

    /// Nil for `%%`.
    private static func clause(_ rest: inout Substring.UnicodeScalarView) throws(CELError) -> Clause? {
        var precision: Int?
        if rest.first == "." {
            rest.removeFirst()
            let digits = rest.prefix { $0.isDigit }
            rest.removeFirst(digits.count)
            guard let count = Int(String(digits)), count <= precisionLimit else {
                throw badArgument("a precision is a number from 0 to \(precisionLimit)")
            }
            precision = count
        }
        guard let verb = rest.popFirst() else { throw badArgument("the format ends within a clause") }
        if verb == "%", precision == nil { return nil }
        guard "sdfebxXo".unicodeScalars.contains(verb) else { throw badArgument("there is no clause '%\(verb)'") }
        return Clause(verb: verb, precision: precision)
    }

    private static func text(
        _ value: CELValue, _ clause: Clause, _ frame: CELFrame
    ) throws(CELError) -> String {
        let found: String?
        switch clause.verb {
        case "s": found = try text(value, frame)
        case "d": found = decimal(value)
        case "f", "e": found = floating(value, clause)
        case "b": found = integer(value, radix: 2, allowsBool: true)
        case "o": found = integer(value, radix: 8)
        default: found = try hexadecimal(value, isUpper: clause.verb == "X", frame)
        }
        guard let found else { throw noOverload("'%\(clause.verb)'", [value], at: nil) }
        try frame.charge(items: found.utf8.count)
        return found
    }

    private static func decimal(_ value: CELValue) -> String? {
        if case .double(let number) = value { return number.isFinite ? nil : doubleText(number) }
        return integer(value, radix: 10)
    }

    private static func integer(_ value: CELValue, radix: Int, allowsBool: Bool = false) -> String? {
        switch value {
        case .int(let number): String(number, radix: radix)
        case .uint(let number): String(number, radix: radix)
        case .bool(let flag) where allowsBool: flag ? "1" : "0"
        default: nil
        }
    }

    private static func hexadecimal(
        _ value: CELValue, isUpper: Bool, _ frame: CELFrame
    ) throws(CELError) -> String? {
        let octets: [UInt8]
        switch value {
        case .int(let number): return String(number, radix: 16, uppercase: isUpper)
        case .uint(let number): return String(number, radix: 16, uppercase: isUpper)
        case .string(let text): octets = Array(text.utf8)
        case .bytes(let bytes): octets = bytes
        default: return nil
        }
        try frame.charge(items: 2 * octets.count)
        return octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: isUpper) }.joined()
    }

    private static func floating(_ value: CELValue, _ clause: Clause) -> String? {
        let number: Double
        switch value {
        case .double(let value): number = value
        case .int(let value): number = Double(value)
        case .uint(let value): number = Double(value)
        default: return nil
        }
        guard number.isFinite else { return doubleText(number) }
        return printed(number, verb: clause.verb, precision: clause.precision ?? 6)
    }

    /// The C library rounds exactly, half to even, and the process never leaves the C locale.
    private static func printed(_ number: Double, verb: Unicode.Scalar, precision: Int) -> String {
        // 309 digits before the point at most, the precision behind it.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 309 + precisionLimit + 16) { buffer in
            let count = withVaList([CInt(precision), number]) {
                vsnprintf(buffer.baseAddress, buffer.count, "%.*\(verb)", $0)
            }
            return String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}

/// `%s`: any value.
extension StringFormat {
    /// Lists and maps hold texts without quotes; a map's entries are sorted by their keys' text.
    static func text(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> String? {
        try frame.charge(items: 1)
        switch value {
        case .null: return "null"
        case .string(let text): return text
        case .bytes(let bytes): return String(decoding: bytes, as: UTF8.self)
        case .type(let name): return name
        case .list(let elements):
            var texts: [String] = []
            for element in elements { texts.append(try part(element, frame)) }
            return "[" + texts.joined(separator: ", ") + "]"
        case .map(let map):
            var entries: [(key: String, value: String)] = []
            for (index, key) in map.keys.enumerated() {
                entries.append((try part(key.value, frame), try part(map.values[index], frame)))
            }
            entries.sort { textPrecedes($0.key, $1.key) }
            return "{" + entries.map { $0.key + ": " + $0.value }.joined(separator: ", ") + "}"
        default: return StandardLibrary.scalarText(value)
        }
    }

    private static func part(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> String {
        guard let text = try text(value, frame) else { throw noOverload("'%s'", [value], at: nil) }
        try frame.charge(items: text.utf8.count)
        return text
    }
}
