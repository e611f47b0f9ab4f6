extension StandardLibrary {
    static let conversions: [CELFunction] = [
        conversion("bool", from: [.bool, .string], to: .bool, toBool),
        conversion("int", from: [.int, .uint, .double, .string, .timestamp, .duration], to: .int, toInt),
        conversion("uint", from: [.uint, .int, .double, .string], to: .uint, toUInt),
        conversion("double", from: [.double, .int, .uint, .string], to: .double, toDouble),
        conversion(
            "string", from: [.string, .bool, .int, .uint, .double, .bytes, .timestamp, .duration], to: .string, toString
        ),
        conversion("bytes", from: [.bytes, .string], to: .bytes, toBytes),
        conversion("timestamp", from: [.timestamp, .string, .int], to: .timestamp, isRead: true, toTimestamp),
        conversion("duration", from: [.duration, .string], to: .duration, isRead: true, toDuration),
    ]

    private typealias Convert = @Sendable (CELValue, CELFrame) throws(CELError) -> CELValue?

    /// - Parameter isRead: whether a literal is read once, when the expression is compiled. One that cannot be read
    ///   still fails only when it is reached.
    private static func conversion(
        _ name: String, from types: [CELType], to result: CELType, isRead: Bool = false, _ convert: @escaping Convert
    ) -> CELFunction {
        let overloads = types.map { CELOverload.global($0, returns: result) }
        guard isRead else { return CELFunction(name, overloads, .unary(convert)) }
        return CELFunction(
            name, overloads,
            specialization: { literals throws(CELError) in
                guard case .string(let text)?? = literals.first else { return nil }
                let value: CELValue? =
                    name == "timestamp"
                    ? CELTimestamp(text).map { .timestamp($0) } : CELDuration(text).map { .duration($0) }
                return value.map { value in .unary { _, _ in value } }
            }, .unary(convert))
    }

    @Sendable private static func toBool(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch value {
        case .bool: return value
        case .string("true"), .string("TRUE"), .string("True"), .string("t"), .string("1"): return .bool(true)
        case .string("false"), .string("FALSE"), .string("False"), .string("f"), .string("0"): return .bool(false)
        case .string: throw badArgument("the text is no bool")
        default: return nil
        }
    }

    @Sendable private static func toInt(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        let result: Int64?
        switch value {
        case .int: return value
        case .uint(let number): result = Int64(exactly: number)
        // The bounds themselves are left out: they are what out-of-range numbers round to.
        case .double(let number):
            result = number > -9_223_372_036_854_775_808.0 && number < 9_223_372_036_854_775_808.0 ? Int64(number) : nil
        case .string(let text):
            try frame.charge(items: text.utf8.count)
            result = Int64(text)
        case .timestamp(let time): result = time.seconds
        case .duration(let duration): result = duration.nanoseconds / 1_000_000_000
        default: return nil
        }
        guard let result else { throw badArgument("the \(value.typeName) does not fit in an int") }
        return .int(result)
    }

    @Sendable private static func toUInt(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        let result: UInt64?
        switch value {
        case .uint: return value
        case .int(let number): result = UInt64(exactly: number)
        case .double(let number): result = number > -1 && number < 18_446_744_073_709_551_616.0 ? UInt64(number) : nil
        case .string(let text):
            try frame.charge(items: text.utf8.count)
            result = UInt64(text)
        default: return nil
        }
        guard let result else { throw badArgument("the \(value.typeName) does not fit in a uint") }
        return .uint(result)
    }

    @Sendable private static func toDouble(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch value {
        case .double: return value
        case .int(let number): return .double(Double(number))
        case .uint(let number): return .double(Double(number))
        case .string(let text):
            try frame.charge(items: text.utf8.count)
            guard let number = Double(text) else { throw badArgument("the text is no number") }
            return .double(number)
        default: return nil
        }
    }

    @Sendable private static func toString(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch value {
        case .string: return value
        case .bytes(let bytes):
            try frame.charge(items: bytes.count)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw badArgument("the bytes are not UTF-8")
            }
            return .string(text)
        default: return scalarText(value).map { .string($0) }
        }
    }

    @Sendable private static func toBytes(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch value {
        case .bytes: return value
        case .string(let text):
            try frame.charge(items: text.utf8.count)
            return .bytes(Array(text.utf8))
        default: return nil
        }
    }

    @Sendable private static func toTimestamp(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch value {
        case .timestamp: return value
        case .int(let seconds):
            guard let time = CELTimestamp(seconds: seconds) else { throw badArgument("the time is out of range") }
            return .timestamp(time)
        case .string(let text):
            try frame.charge(items: text.utf8.count)
            guard let time = CELTimestamp(text) else {
                throw badArgument("the text is no RFC 3339 time of the years 1 to 9999")
            }
            return .timestamp(time)
        default: return nil
        }
    }

    @Sendable private static func toDuration(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch value {
        case .duration: return value
        case .string(let text):
            try frame.charge(items: text.utf8.count)
            guard let duration = CELDuration(text) else {
                throw badArgument("the text is no duration such as '90s' or '1h30m'")
            }
            return .duration(duration)
        default: return nil
        }
    }
}

extension StandardLibrary {
    /// Bools, numbers and times as text; nil for everything else.
    static func scalarText(_ value: CELValue) -> String? {
        switch value {
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): String(number)
        case .uint(let number): String(number)
        case .double(let number): doubleText(number)
        case .timestamp(let time): time.text
        case .duration(let duration): duration.text
        default: nil
        }
    }
}

/// The shortest text that reads back as the same number: `120000`, `-0.0045`, `1e+21`, `NaN`, `Infinity`.
package func doubleText(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    // Swift writes the shortest digits too, but turns to exponents at other sizes and keeps a trailing ".0".
    let description = number.magnitude.description
    let parts = description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".")
    let fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
    var digits = String(mantissa[0] + fraction)
    var point = mantissa[0].utf8.count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    while digits.utf8.first == 0x30, digits.utf8.count > 1 {
        digits.removeFirst()
        point -= 1
    }
    while digits.utf8.last == 0x30, digits.utf8.count > 1 { digits.removeLast() }
    let sign = number.sign == .minus ? "-" : ""
    return number == 0 ? sign + "0" : sign + layOut(digits, point: point)
}

/// - Parameter point: where the decimal point stands, counted from the first digit.
private func layOut(_ digits: String, point: Int) -> String {
    let count = digits.utf8.count
    if point > 21 || point <= -4 {
        let fraction = digits.dropFirst()
        let exponent = point - 1
        let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
        return digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + "e" + (exponent < 0 ? "-" : "+") + size
    }
    if point <= 0 { return "0." + String(repeating: "0", count: -point) + digits }
    if point >= count { return digits + String(repeating: "0", count: point - count) }
    return digits.prefix(point) + "." + digits.dropFirst(point)
}
