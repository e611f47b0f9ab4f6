/// A signed length of time, about 292 years at most.
package struct CELDuration: Sendable, Hashable {
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    func adding(_ other: CELDuration) -> CELDuration? {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(other.nanoseconds)
        return overflow ? nil : CELDuration(nanoseconds: sum)
    }

    func subtracting(_ other: CELDuration) -> CELDuration? {
        let (difference, overflow) = nanoseconds.subtractingReportingOverflow(other.nanoseconds)
        return overflow ? nil : CELDuration(nanoseconds: difference)
    }
}

extension CELDuration {
    /// `1h30m`, `-5s`, `1.5h`, `250ms`: an optional sign, then numbers with units h, m, s, ms, us or ns. `0` alone too.
    package init?(_ text: String) {
        var bytes = Array(text.utf8)[...]
        let isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative || bytes.first == UInt8(ascii: "+") { bytes.removeFirst() }
        if bytes.elementsEqual([UInt8(ascii: "0")]) {
            nanoseconds = 0
            return
        }
        guard !bytes.isEmpty else { return nil }
        // Summed below zero: the negative side reaches one further.
        var total: Int64 = 0
        while !bytes.isEmpty {
            guard let part = Self.takePart(&bytes) else { return nil }
            let (sum, overflow) = total.subtractingReportingOverflow(part)
            guard !overflow else { return nil }
            total = sum
        }
        guard isNegative || total > .min else { return nil }
        nanoseconds = isNegative ? total : -total
    }

    private static func takePart(_ bytes: inout ArraySlice<UInt8>) -> Int64? {
        let whole = takeDigits(&bytes)
        var fraction = ArraySlice<UInt8>()
        if bytes.first == UInt8(ascii: ".") {
            bytes.removeFirst()
            fraction = takeDigits(&bytes)
        }
        guard !whole.isEmpty || !fraction.isEmpty, let unit = takeUnit(&bytes) else { return nil }
        var result: Int64 = 0
        for digit in whole {
            let (scaled, overflow) = result.multipliedReportingOverflow(by: 10)
            let (sum, tooLarge) = scaled.addingReportingOverflow(Int64(digit - 0x30))
            guard !overflow, !tooLarge else { return nil }
            result = sum
        }
        let (value, overflow) = result.multipliedReportingOverflow(by: unit)
        let (sum, tooLarge) = value.addingReportingOverflow(nanoseconds(fraction, of: unit))
        return overflow || tooLarge ? nil : sum
    }

    /// A fraction of a unit, of which nine digits count.
    private static func nanoseconds(_ digits: ArraySlice<UInt8>, of unit: Int64) -> Int64 {
        var numerator: Int64 = 0
        var denominator: Int64 = 1
        for digit in digits.prefix(9) {
            numerator = numerator * 10 + Int64(digit - 0x30)
            denominator *= 10
        }
        let (high, low) = numerator.multipliedFullWidth(by: unit)
        return denominator.dividingFullWidth((high, low)).quotient
    }

    private static func takeDigits(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let digits = bytes.prefix { (0x30...0x39).contains($0) }
        bytes.removeFirst(digits.count)
        return digits
    }

    private static func takeUnit(_ bytes: inout ArraySlice<UInt8>) -> Int64? {
        let letters = bytes.prefix { !(0x30...0x39).contains($0) && $0 != UInt8(ascii: ".") }
        bytes.removeFirst(letters.count)
        switch String(decoding: letters, as: UTF8.self) {
        case "h": return 3_600_000_000_000
        case "m": return 60_000_000_000
        case "s": return 1_000_000_000
        case "ms": return 1_000_000
        case "us", "µs", "μs": return 1_000
        case "ns": return 1
        default: return nil
        }
    }

    /// Seconds with only the fraction digits needed: `5s`, `0.25s`, `-1.5s`.
    package var text: String {
        let magnitude = nanoseconds.magnitude
        var result = (nanoseconds < 0 ? "-" : "") + String(magnitude / 1_000_000_000)
        let rest = magnitude % 1_000_000_000
        if rest > 0 {
            var fraction = padded(Int64(rest), 9)
            while fraction.utf8.last == 0x30 { fraction.removeLast() }
            result += "." + fraction
        }
        return result + "s"
    }
}
