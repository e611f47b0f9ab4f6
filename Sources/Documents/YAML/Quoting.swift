/// Changes that put a value of a YAML file into double quotes, where it is certain what the value is.
struct Quoting {
    let source: SourceText

    /// Quotes everything from `start` to the end of its line.
    ///
    /// - Parameters:
    ///   - start: the offset of the value's first scalar.
    ///   - keyColumn: 0-based column of its key: a next line that is indented deeper belongs to the value.
    /// - Returns: nil if the value may go on, or a comment may follow.
    func restOfLine(from start: Int, keyColumn: Int) -> Fix? {
        let position = source.position(at: start)
        let rest = source.line(position.line).dropFirst(position.column - 1)
        guard let last = rest.lastIndex(where: { !$0.isBlank }) else { return nil }
        let value = rest[...last]
        guard !value.contains("#"), !continues(after: position.line, keyColumn: keyColumn) else { return nil }
        return fix(value)
    }

    /// Quotes the value of the one key on a line, in which the parser found a second `: `.
    func value(onLine number: Int) -> Fix? {
        let line = source.line(number)
        var start = line.startIndex
        while start < line.endIndex, line[start].isBlank || isDash(line, start) { start += 1 }
        let keyColumn = start - line.startIndex
        guard let colon = line[start...].indices.first(where: { isColon(line, $0) }) else { return nil }
        guard let value = line[(colon + 1)...].firstIndex(where: { !$0.isBlank }),
            !"\"'|>[{&*!%@`".unicodeScalars.contains(line[value])
        else { return nil }
        return restOfLine(from: value, keyColumn: keyColumn)
    }

    /// Quotes `${...}` inside a flow collection, where it is the whole value.
    func template(at dollar: Int, startingAt start: Int) -> Fix? {
        let position = source.position(at: dollar)
        let line = source.line(position.line)
        guard dollar == start, let end = closingBrace(line, from: dollar + 2) else { return nil }
        guard let next = line[(end + 1)...].first(where: { !$0.isBlank }), ",]}".unicodeScalars.contains(next) else {
            return nil
        }
        return fix(line[dollar...end])
    }

    private func closingBrace(_ line: ArraySlice<Unicode.Scalar>, from start: Int) -> Int? {
        var depth = 0
        var quote: Unicode.Scalar?
        for index in start..<max(start, line.endIndex) {
            let scalar = line[index]
            if let open = quote {
                if scalar == open { quote = nil }
            } else if scalar == "'" || scalar == "\"" {
                quote = scalar
            } else if scalar == "{" {
                depth += 1
            } else if scalar == "}" {
                if depth == 0 { return index }
                depth -= 1
            }
        }
        return nil
    }

    private func isDash(_ line: ArraySlice<Unicode.Scalar>, _ index: Int) -> Bool {
        line[index] == "-" && (index + 1 == line.endIndex || line[index + 1].isBlank)
    }

    private func isColon(_ line: ArraySlice<Unicode.Scalar>, _ index: Int) -> Bool {
        line[index] == ":" && index + 1 < line.endIndex && line[index + 1].isBlank
    }

    private func continues(after number: Int, keyColumn: Int) -> Bool {
        for next in (number + 1)..<max(number + 1, source.lineCount + 1) {
            let line = source.line(next)
            if line.allSatisfy(\.isBlank) { continue }
            return line.prefix { $0 == " " }.count > keyColumn
        }
        return false
    }

    private func fix(_ value: ArraySlice<Unicode.Scalar>) -> Fix {
        var quoted: [Unicode.Scalar] = ["\""]
        for scalar in value {
            if scalar == "\"" || scalar == "\\" { quoted.append("\\") }
            quoted.append(scalar)
        }
        quoted.append("\"")
        return Fix(
            start: source.position(at: value.startIndex), end: source.position(at: value.endIndex),
            replacement: String(scalars: quoted))
    }
}
