/// Walks over JSON that is known to be well formed; on anything else it says no, and never reads beyond the end.
struct JSONCursor {
    enum Member {
        case missing(isEmpty: Bool)
        case value
    }

    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    func isSpace(at index: Int) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Goes to the value of a member of the object that was just entered. Names with escapes are not compared.
    mutating func find(_ name: String) -> Member? {
        let wanted = Array(name.utf8)
        skipSpace()
        if next == UInt8(ascii: "}") { return .missing(isEmpty: true) }
        while true {
            skipSpace()
            let start = position
            guard skipString() else { return nil }
            let isWanted = bytes[(start + 1)..<(position - 1)].elementsEqual(wanted)
            skipSpace()
            guard take(":") else { return nil }
            skipSpace()
            if isWanted { return .value }
            guard skipValue() else { return nil }
            skipSpace()
            if take(",") { continue }
            return next == UInt8(ascii: "}") ? .missing(isEmpty: false) : nil
        }
    }

    mutating func skipString() -> Bool {
        guard take("\"") else { return false }
        while let byte = next {
            position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return true }
        }
        return false
    }

    /// Counts brackets instead of recursing: bodies may be deep.
    mutating func skipValue() -> Bool {
        var depth = 0
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""): guard skipString() else { return false }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return true }
                depth -= 1
                position += 1
            case UInt8(ascii: ",") where depth == 0: return true
            default: position += 1
            }
            let ended = byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
            if depth == 0, ended { return true }
        }
        return false
    }
}
