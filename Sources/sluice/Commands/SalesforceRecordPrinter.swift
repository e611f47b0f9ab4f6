import Events

/// Records as they come: a JSON array with one record on each line, or a table whose columns are as wide as the first
/// page asks for.
struct SalesforceRecordPrinter {
    /// Longer text is cut in a table.
    static let maximumColumnCharacters = 60

    let json: Bool
    private(set) var count = 0
    private var columns: [(name: String, width: Int)]?
    private let progress = Terminal.error.isInteractive && !Terminal.output.isInteractive

    init(json: Bool) { self.json = json }

    /// - Parameter total: of all pages, if it is known.
    mutating func show(_ records: [Fields], total: Int?) {
        if json { showJSON(records) } else { showTable(records) }
        guard progress else { return }
        Terminal.error.write("\r\(count)\(total.map { " of \($0)" } ?? "") records")
    }

    func end() {
        if progress, count > 0 { Terminal.error.write("\n") }
        if json { return Terminal.output.write(count == 0 ? "[]\n" : "\n]\n") }
        if count == 0 { Terminal.output.write("No records.\n") }
    }

    private mutating func showJSON(_ records: [Fields]) {
        var text = JSONText()
        for record in records {
            count == 0 ? text.raw("[\n") : text.raw(",\n")
            text.value(.record(record))
            count += 1
        }
        Terminal.output.write(text.bytes)
    }

    private mutating func showTable(_ records: [Fields]) {
        let rows = records.map(Self.cells)
        count += rows.count
        if columns == nil, let first = rows.first {
            let names = rows.reduce(into: first.map(\.name)) { names, row in
                for cell in row where !names.contains(cell.name) { names.append(cell.name) }
            }
            columns = names.map { name in
                let width = rows.reduce(name.count) { max($0, $1.first { $0.name == name }?.text.count ?? 0) }
                return (name, min(width, Self.maximumColumnCharacters))
            }
            Terminal.output.write(Terminal.output.styled(line { $0.name.uppercased() }, .bold) + "\n")
        }
        for row in rows {
            Terminal.output.write(line { column in row.first { $0.name == column.name }?.text ?? "" } + "\n")
        }
    }

    private func line(_ text: ((name: String, width: Int)) -> String) -> String {
        let cells = (columns ?? []).map { column -> String in
            var cell = text(column)
            if cell.count > column.width { cell = cell.prefix(column.width - 1) + "…" }
            return cell + String(repeating: " ", count: column.width - cell.count)
        }
        return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }

    /// Records inside a record become dotted columns.
    static func cells(_ record: Fields) -> [(name: String, text: String)] {
        record.fields.flatMap { field -> [(name: String, text: String)] in
            guard case .record(let inner) = field.value else { return [(field.name, Self.text(field.value))] }
            return cells(inner).map { ("\(field.name).\($0.name)", $0.text) }
        }
    }

    static func text(_ value: Value) -> String {
        switch value {
        case .null: return ""
        case .string(let text): return text.split(whereSeparator: \.isNewline).joined(separator: "⏎")
        default:
            var text = JSONText()
            text.value(value)
            return text.bytes.first == UInt8(ascii: "\"") ? String(text.string.dropFirst().dropLast()) : text.string
        }
    }
}

/// One JSON document on standard output.
func printJSON(_ value: Value) {
    var text = JSONText()
    text.value(value)
    Terminal.output.write(text.bytes + [UInt8(ascii: "\n")])
}
