/// Columns of text, as wide as their contents.
struct Table {
    /// Less than this of a last cell tells nothing.
    private static let leastOfLastCell = 10
    /// Between columns.
    private static let gap = 2

    private var rows: [[String]]

    init(_ header: [String]) { rows = [header] }

    mutating func add(_ row: [String]) {
        precondition(row.count == rows[0].count, "a row has as many cells as the header")
        rows.append(row)
    }

    /// A list: as wide as its contents, but on a terminal no wider than that. Columns that do not fit follow their row,
    /// and nothing is cut.
    var text: String {
        guard let columns = Terminal.output.size?.columns, columns < widths.reduce(Self.gap * (widths.count - 1), +) else {
            return whole
        }
        return folded(within: columns, widths)
    }

    /// As wide as its contents, wherever it is shown: names with values of any length.
    var whole: String { text(within: nil) }

    private var widths: [Int] { rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 } }

    /// For what is painted again and again.
    ///
    /// - Parameter columns: of a terminal. No line is longer there: a last cell that is too long is cut, and columns that
    ///   do not fit at all follow their row. Nil cuts nothing.
    func text(within columns: Int?) -> String {
        let widths = widths
        let before = widths.dropLast().reduce(0) { $0 + $1 + Self.gap }
        guard let columns, before + (widths.last ?? 0) > columns else { return rows.map { line($0, widths) }.joined() }
        guard columns - before >= Self.leastOfLastCell else { return folded(within: columns, widths) }
        return rows.map { line($0.dropLast() + $0.suffix(1).map { $0.cut(to: columns - before) }, widths) }.joined()
    }

    private func line(_ cells: some Sequence<String>, _ widths: [Int]) -> String {
        let padded = zip(cells, widths).map { $0 + String(repeating: " ", count: max(0, $1 - $0.count)) }
        let line = padded.joined(separator: String(repeating: " ", count: Self.gap))
        return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
    }

    private func folded(within columns: Int, _ widths: [Int]) -> String {
        var count = 1
        var used = widths[0]
        while count < widths.count, used + Self.gap + widths[count] <= columns {
            used += Self.gap + widths[count]
            count += 1
        }
        return rows.enumerated().map { number, row in
            let first = line(row.prefix(count), widths)
            let rest = zip(rows[0], row).dropFirst(count).filter { $1 != "-" && !$1.isEmpty }
            guard number > 0, !rest.isEmpty else { return first }
            let named = rest.enumerated().map { $1.0.lowercased() + " " + $1.1 + ($0 == rest.count - 1 ? "" : ",") }
            return first + Self.wrapped(named, within: columns)
        }.joined()
    }

    /// Pairs side by side as far as they fit; a longer one is broken between words.
    private static func wrapped(_ pairs: [String], within columns: Int) -> String {
        let room = max(leastOfLastCell, columns - indent.count)
        var lines = [""]
        func add(_ text: String) {
            let isFirst = lines[lines.count - 1].isEmpty
            if isFirst || lines[lines.count - 1].count + 1 + text.count <= room {
                lines[lines.count - 1] += (isFirst ? "" : " ") + text
            } else {
                lines.append(text)
            }
        }
        for pair in pairs {
            guard pair.count > room else {
                add(pair)
                continue
            }
            for word in pair.split(separator: " ") {
                var rest = word
                while rest.count > room {
                    add(String(rest.prefix(room)))
                    rest = rest.dropFirst(room)
                }
                add(String(rest))
            }
        }
        return lines.map { indent + $0 + "\n" }.joined()
    }

    private static let indent = "    "
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
