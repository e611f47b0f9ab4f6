/// Rows of CSV as Bulk API 2.0 writes it: commas, quotes doubled inside quotes, lines ended by LF or CR LF.
///
/// Each row is built when it is asked for: a page of results costs its bytes, and one row.
package struct CSVRows: Sequence, IteratorProtocol, Sendable {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Nil at the end, and at a quote that is not closed.
    package mutating func next() -> [String]? {
        var row: [String] = []
        return read { row.append($0) } ? row : nil
    }

    /// How many rows follow, if all of them have `columns` cells and the last is complete; nil otherwise.
    func count(columns: Int) -> Int? {
        var copy = self
        var rows = 0
        while copy.position < bytes.count {
            var cells = 0
            guard copy.skim(&cells), cells == columns else { return nil }
            rows += 1
        }
        return rows
    }

    private mutating func read(_ take: (String) -> Void) -> Bool {
        guard position < bytes.count else { return false }
        while true {
            guard let range = cell() else { return false }
            take(text(range))
            guard takeComma() else { break }
        }
        endLine()
        return true
    }

    private mutating func skim(_ cells: inout Int) -> Bool {
        repeat {
            guard cell() != nil else { return false }
            cells += 1
        } while takeComma()
        endLine()
        return true
    }

    private mutating func takeComma() -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { return false }
        position += 1
        return true
    }

    private mutating func endLine() {
        if position < bytes.count, bytes[position] == UInt8(ascii: "\r") { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "\n") { position += 1 }
    }

    /// What stands in the next cell, without its outer quotes; nil if a quote is not closed.
    private mutating func cell() -> (content: Range<Int>, hasQuotes: Bool)? {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return (plain(), false) }
        position += 1
        let start = position
        var hasQuotes = false
        while position < bytes.count {
            guard bytes[position] == UInt8(ascii: "\"") else {
                position += 1
                continue
            }
            guard position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "\"") else {
                position += 1
                return (start..<position - 1, hasQuotes)
            }
            hasQuotes = true
            position += 2
        }
        return nil
    }

    private mutating func plain() -> Range<Int> {
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: ","), UInt8(ascii: "\n"), UInt8(ascii: "\r"): return start..<position
            default: position += 1
            }
        }
        return start..<position
    }

    private func text(_ cell: (content: Range<Int>, hasQuotes: Bool)) -> String {
        guard cell.hasQuotes else { return String(decoding: bytes[cell.content], as: UTF8.self) }
        var content: [UInt8] = []
        var isSecond = false
        for byte in bytes[cell.content] {
            isSecond = byte == UInt8(ascii: "\"") && !isSecond
            if byte != UInt8(ascii: "\"") || !isSecond { content.append(byte) }
        }
        return String(decoding: content, as: UTF8.self)
    }
}
