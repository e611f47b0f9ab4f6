import Events

/// Results as Bulk API 2.0 writes them: every cell in quotes, times with a `Z`, nothing where there is no value.
struct BulkCSV {
    struct Format: Sendable, Equatable {
        /// As jobs name it: `COMMA`, …
        var columnDelimiter = "COMMA"
        /// `LF` or `CRLF`.
        var lineEnding = "LF"

        static let delimiters = [
            "BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t",
        ]
        static let lineEndings = ["LF": "\n", "CRLF": "\r\n"]
    }

    private let delimiter: String
    private let lineEnding: String

    init(_ format: Format) {
        delimiter = Format.delimiters[format.columnDelimiter] ?? ","
        lineEnding = Format.lineEndings[format.lineEnding] ?? "\n"
    }

    /// A line of names, and one of each row.
    func text(_ columns: [RESTField], _ rows: some Sequence<RecordTable.Record>) -> String {
        var text = line(columns.map(\.name))
        for row in rows { text += line(columns.map { Self.cell($0, row) }) }
        return text
    }

    private func line(_ cells: [String]) -> String {
        cells.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: delimiter) + lineEnding
    }

    private static func cell(_ field: RESTField, _ row: RecordTable.Record) -> String {
        switch (field.type, field.value(of: row)) {
        case ("datetime", .int(let time)): EpochText.text(time)
        case ("double", .int(let number)), ("currency", .int(let number)), ("percent", .int(let number)):
            String(Double(number))
        default:
            switch field.shown(row) {
            case .string(let text): text
            case .int(let number): String(number)
            case .double(let number): String(number)
            case .bool(let flag): String(flag)
            default: ""
            }
        }
    }
}
