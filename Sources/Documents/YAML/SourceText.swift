/// A place in a file: 1-based line, 1-based column counted in Unicode scalars.
package struct SourcePosition: Sendable, Hashable, Comparable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// A place in a named file; described as `opportunity.yaml:13:17`.
package struct SourceLocation: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// As whoever read the file names it.
    package var path: String
    package var position: SourcePosition

    package init(path: String, position: SourcePosition) {
        self.path = path
        self.position = position
    }

    package var description: String { "\(path):\(position.line):\(position.column)" }

    package static func < (left: Self, right: Self) -> Bool {
        (left.path, left.position) < (right.path, right.position)
    }
}

/// The text of one file, addressable by position. Immutable, and dropped once the file is decoded.
///
/// Lines end where libYAML ends them (LF, CRLF, CR, NEL, LS, PS), so that its marks and ours agree.
package final class SourceText: Sendable {
    package let path: String
    let scalars: [Unicode.Scalar]
    /// The offset of each line's first scalar.
    private let lineStarts: [Int]

    package init(path: String, text: String) {
        self.path = path
        let scalars = Array(text.unicodeScalars)
        var starts = [0]
        for (index, scalar) in scalars.enumerated() where Self.isBreak(scalar) {
            if scalar == "\r", index + 1 < scalars.count, scalars[index + 1] == "\n" { continue }
            starts.append(index + 1)
        }
        self.scalars = scalars
        lineStarts = starts
    }

    package static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": true
        default: false
        }
    }

    var lineCount: Int { lineStarts.count }

    /// The scalars of a line without its break; empty for a line that is not there.
    package func line(_ number: Int) -> ArraySlice<Unicode.Scalar> {
        guard number >= 1, number <= lineStarts.count else { return [] }
        let start = lineStarts[number - 1]
        var end = number < lineStarts.count ? lineStarts[number] : scalars.count
        while end > start, Self.isBreak(scalars[end - 1]) { end -= 1 }
        return scalars[start..<end]
    }

    /// The offset of a position, clamped to the text.
    func offset(of position: SourcePosition) -> Int {
        guard position.line >= 1, position.line <= lineStarts.count else { return scalars.count }
        return min(lineStarts[position.line - 1] + max(position.column - 1, 0), scalars.count)
    }

    func position(at offset: Int) -> SourcePosition {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return SourcePosition(line: low + 1, column: offset - lineStarts[low] + 1)
    }

    package func location(_ position: SourcePosition) -> SourceLocation {
        SourceLocation(path: path, position: position)
    }
}

extension String {
    package init(scalars: some Sequence<Unicode.Scalar>) {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        self.init(view)
    }
}

extension Unicode.Scalar {
    package var isBlank: Bool { self == " " || self == "\t" }
    package var isDigit: Bool { ("0"..."9").contains(self) }
    package var isLetter: Bool { ("a"..."z").contains(self) || ("A"..."Z").contains(self) }
    var isHexDigit: Bool { isDigit || ("a"..."f").contains(self) || ("A"..."F").contains(self) }
    /// A letter, digit or underscore of ASCII: what names of fields and of expressions are made of.
    package var isWord: Bool { isLetter || isDigit || self == "_" }
}
