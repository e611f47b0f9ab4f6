/// Where in the file each scalar of a YAML text came from, so that an error inside an expression points at the real
/// column whatever the quoting, folding and indentation.
///
/// Works by walking the value and the file side by side from the node's mark. Where the two do not agree (which only an
/// unforeseen style could cause) the last place that did is kept: a position is then near, never wild.
package struct ScalarPositions {
    /// One position per scalar of the value, and one for its end.
    private let positions: [SourcePosition]
    package let style: YAMLNode.Style

    package subscript(offset: Int) -> SourcePosition { positions[min(max(offset, 0), positions.count - 1)] }

    package init(_ scalar: YAMLNode.Scalar, at position: SourcePosition, in source: SourceText) {
        var walk = Walk(source: source, position: position, style: scalar.style)
        positions = walk.positions(of: Array(scalar.text.unicodeScalars))
        style = scalar.style
    }

    private struct Walk {
        let source: SourceText
        let style: YAMLNode.Style
        var line: Int
        /// 0-based column.
        var column: Int
        /// Indentation that a block scalar's value lacks.
        var indent = 0

        init(source: SourceText, position: SourcePosition, style: YAMLNode.Style) {
            self.source = source
            self.style = style
            line = position.line
            column = position.column - 1
            switch style {
            case .plain: break
            case .singleQuoted, .doubleQuoted: column += 1
            case .literal, .folded: enterBlock(header: source.line(line).dropFirst(column))
            }
        }

        private var isBlock: Bool { style == .literal || style == .folded }
        private var text: ArraySlice<Unicode.Scalar> { source.line(line) }
        private var here: SourcePosition { SourcePosition(line: line, column: column + 1) }

        /// The indentation is that of the first line with content; an explicit indicator only matters when that line
        /// starts with spaces of its own, and then the difference is found by the first scalar of the value.
        private mutating func enterBlock(header: ArraySlice<Unicode.Scalar>) {
            line += 1
            var first = line
            while first < source.lineCount, source.line(first).allSatisfy(\.isBlank) { first += 1 }
            indent = source.line(first).prefix { $0 == " " }.count
            column = indent
        }

        mutating func positions(of value: [Unicode.Scalar]) -> [SourcePosition] {
            if isBlock, let leading = value.firstIndex(where: { !SourceText.isBreak($0) }), value[leading] == " " {
                let own = value[leading...].prefix { $0 == " " }.count
                indent = max(0, indent - own)
                column = indent
            }
            var positions: [SourcePosition] = []
            positions.reserveCapacity(value.count + 1)
            for (index, scalar) in value.enumerated() {
                skipEscapedBreak()
                positions.append(here)
                step(over: scalar, next: index + 1 < value.count ? value[index + 1] : nil)
            }
            positions.append(here)
            return positions
        }

        private mutating func step(over scalar: Unicode.Scalar, next: Unicode.Scalar?) {
            let rest = text.dropFirst(column)
            let atEnd = isBlock ? rest.isEmpty : rest.allSatisfy(\.isBlank)
            if atEnd, scalar == " " || scalar == "\n" {
                advanceLine(folded: scalar == " " || (style != .literal && next != "\n"))
            } else if style == .doubleQuoted, rest.first == "\\" {
                column += Self.escapeLength(rest)
            } else if style == .singleQuoted, scalar == "'" {
                column += 2
            } else if rest.first == scalar {
                column += 1
            }
        }

        private mutating func advanceLine(folded: Bool) {
            line += 1
            if folded {
                while line < source.lineCount, text.allSatisfy(\.isBlank) { line += 1 }
            }
            column = isBlock ? min(indent, text.count) : text.prefix(while: \.isBlank).count
        }

        /// In double quotes, a backslash at the end of a line joins the lines without a space.
        private mutating func skipEscapedBreak() {
            guard style == .doubleQuoted else { return }
            let rest = text.dropFirst(column)
            if rest.count == 1, rest.first == "\\" { advanceLine(folded: true) }
        }

        private static func escapeLength(_ rest: ArraySlice<Unicode.Scalar>) -> Int {
            switch rest.dropFirst().first {
            case "x": 4
            case "u": 6
            case "U": 10
            default: 2
            }
        }
    }
}
