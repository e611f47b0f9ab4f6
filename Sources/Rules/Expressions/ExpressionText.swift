import CEL
import Documents

/// The text of one expression with its place in the file, kept small: errors found long after loading still point at the
/// real column, whatever the quoting, folding and indentation.
struct ExpressionText: Sendable {
    /// As it reads after YAML: without the braces of a template.
    let text: String
    let path: String
    /// How the YAML value is written: what can be put into it without escapes.
    let style: YAMLNode.Style
    /// Where the file and the text run in step, scalar by scalar: one stretch for each line, escape or fold.
    private let stretches: [Stretch]

    private struct Stretch: Sendable {
        var offset: Int32
        var line: Int32
        var column: Int32
    }

    /// - Parameter range: of the expression within the scalars of the YAML value.
    init(_ scalars: [Unicode.Scalar], _ range: Range<Int>, _ positions: ScalarPositions, path: String) {
        text = String(scalars: scalars[range])
        self.path = path
        style = positions.style
        var stretches: [Stretch] = []
        for index in range.lowerBound...range.upperBound {
            let position = positions[index]
            let offset = Int32(index - range.lowerBound)
            if let last = stretches.last, last.line == Int32(position.line),
                last.column + (offset - last.offset) == Int32(position.column)
            {
                continue
            }
            stretches.append(Stretch(offset: offset, line: Int32(position.line), column: Int32(position.column)))
        }
        self.stretches = stretches
    }

    /// Of an expression that stands in no file: its positions are those in its own text.
    init(_ text: String, path: String = "expression") {
        self.text = text
        self.path = path
        style = .plain
        stretches = [Stretch(offset: 0, line: 1, column: 1)]
    }

    func position(at offset: Int) -> SourcePosition {
        let stretch = stretches.last { $0.offset <= Int32(clamping: offset) } ?? stretches[0]
        return SourcePosition(
            line: Int(stretch.line), column: Int(stretch.column) + max(0, offset - Int(stretch.offset)))
    }

    func location(at offset: Int = 0) -> SourceLocation { SourceLocation(path: path, position: position(at: offset)) }

    /// Scalars that a caret line marks: up to the end of the range, or of its first line.
    func length(of range: Range<Int>) -> Int {
        let first = position(at: range.lowerBound)
        let last = position(at: max(range.lowerBound, range.upperBound - 1))
        return first.line == last.line ? max(1, last.column - first.column + 1) : Int.max / 2
    }
}
