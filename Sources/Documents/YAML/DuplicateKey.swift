/// Finds the further writings of a key that the YAML parser says is repeated. It names the key and the first place only.
struct DuplicateKey {
    let name: String
    let first: SourcePosition

    struct Place {
        var position: SourcePosition
        /// Offsets of the key's text, without quotes.
        var range: Range<Int>
    }

    /// - Returns: at least one, unless none can be found.
    func find(in source: SourceText, atMost limit: Int) -> [Place] {
        let wanted = Array(name.unicodeScalars)
        guard !wanted.isEmpty else { return [] }
        let block = inBlock(wanted, source, limit)
        return block.isEmpty ? inFlow(wanted, source, limit) : block
    }

    /// Later lines with the key at the same column, before a line that is indented less.
    private func inBlock(_ wanted: [Unicode.Scalar], _ source: SourceText, _ limit: Int) -> [Place] {
        var places: [Place] = []
        var number = first.line + 1
        while number <= source.lineCount, places.count < limit {
            let line = source.line(number)
            let indent = line.prefix { $0 == " " }.count
            let isContent = indent < line.count && line[line.startIndex + indent] != "#"
            if isContent, indent < first.column - 1 { break }
            if indent == first.column - 1, let place = key(wanted, at: line.startIndex + indent, source) {
                places.append(place)
            }
            number += 1
        }
        return places
    }

    /// The next places after the first where the key is followed by a colon. Beyond the next one only within the same
    /// brackets.
    private func inFlow(_ wanted: [Unicode.Scalar], _ source: SourceText, _ limit: Int) -> [Place] {
        var places: [Place] = []
        var depth = 0
        var offset = source.offset(of: first) + wanted.count
        while offset + wanted.count < source.scalars.count, places.count < limit {
            let before = source.scalars[offset - 1]
            if places.isEmpty || depth == 0, !before.isWord, before != "'", before != "\"",
                let place = key(wanted, at: offset, source)
            {
                places.append(place)
                depth = 0
                offset = place.range.upperBound
                continue
            }
            switch source.scalars[offset] {
            case "{", "[": depth += 1
            case "}", "]": depth -= 1
            // What is quoted may hold anything: the next round of reading looks behind it.
            case "'", "\"": if !places.isEmpty { return places }
            default: break
            }
            if depth < 0, !places.isEmpty { break }
            offset += 1
        }
        return places
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
