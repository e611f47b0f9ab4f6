/// Columns of text, as wide as their contents.
struct Table {
    /// Less than this of a last cell tells nothing: then the line may wrap.
    static let leastOfLastCell = 10

    private var rows: [[String]]

    init(_ header: [String]) { rows = [header] }

    mutating func add(_ row: [String]) {
        precondition(row.count == rows[0].count, "a row has as many cells as the header")
        rows.append(row)
    }

    var text: String { text(within: nil) }

    /// - Parameter columns: of a terminal, where a last cell that is too long is cut, so that no line wraps; nil cuts
    ///   nothing.
    func text(within columns: Int?) -> String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let room = columns.map { max(Self.leastOfLastCell, $0 - widths.dropLast().reduce(0) { $0 + $1 + 2 }) }
        return rows.map { row in
            let row = row.dropLast() + row.suffix(1).map { $0.cut(to: room) }
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: max(0, $1 - $0.count)) }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
        }.joined()
    }
}

/// `1 rule`, `2 rules`, `3 deliveries`
func counted(_ number: Int, _ word: String, _ plural: String? = nil) -> String {
    "\(number) \(number == 1 ? word : plural ?? word + "s")"
}

extension String {
    /// What is longer ends in an ellipsis.
    func cut(to columns: Int?) -> String {
        guard let columns, count > columns else { return self }
        return prefix(max(0, columns - 1)) + "…"
    }
}
