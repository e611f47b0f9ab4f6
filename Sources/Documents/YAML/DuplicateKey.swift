/// Finds the second writing of a key that the YAML parser says is repeated. It names the key and the first place only.
struct DuplicateKey {
    let name: String
    let first: SourcePosition

    struct Place {
        var position: SourcePosition
        /// Offsets of the key's text, without quotes.
        var range: Range<Int>
    }

    func find(in source: SourceText) -> Place? {
        let wanted = Array(name.unicodeScalars)
        guard !wanted.isEmpty else { return nil }
        return inBlock(wanted, source) ?? inFlow(wanted, source)
    }

    /// A later line with the key at the same column, before a line that is indented less.
    private func inBlock(_ wanted: [Unicode.Scalar], _ source: SourceText) -> Place? {
        var number = first.line + 1
        while number <= source.lineCount {
            let line = source.line(number)
            let indent = line.prefix { $0 == " " }.count
            let isContent = indent < line.count && line[line.startIndex + indent] != "#"
            if isContent, indent < first.column - 1 { return nil }
            if indent == first.column - 1, let place = key(wanted, at: line.startIndex + indent, source) {
                return place
            }
            number += 1
        }
        return nil
    }

    /// The next place after the first where the key is followed by a colon.
    private func inFlow(_ wanted: [Unicode.Scalar], _ source: SourceText) -> Place? {
        var offset = source.offset(of: first) + wanted.count
        while offset + wanted.count < source.scalars.count {
            let before = source.scalars[offset - 1]
            if !before.isWord, before != "'", before != "\"", let place = key(wanted, at: offset, source) {
                return place
            }
            offset += 1
        }
        return nil
    }

    /// The key at exactly `offset`, perhaps in quotes.
    private func key(_ wanted: [Unicode.Scalar], at offset: Int, _ source: SourceText) -> Place? {
        let scalars = source.scalars
        guard offset < scalars.count else { return nil }
        let quoted = scalars[offset] == "'" || scalars[offset] == "\""
        let start = quoted ? offset + 1 : offset
        let end = start + wanted.count
        guard end < scalars.count, scalars[start..<end].elementsEqual(wanted) else { return nil }
        var after = end
        if quoted {
            guard scalars[end] == scalars[offset] else { return nil }
            after += 1
        }
        while after < scalars.count, scalars[after].isBlank { after += 1 }
        guard after < scalars.count, scalars[after] == ":" else { return nil }
        return Place(position: source.position(at: offset), range: start..<end)
    }
}
