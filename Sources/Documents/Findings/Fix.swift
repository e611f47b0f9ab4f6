/// A replacement that mends what a finding is about, exactly: `start` up to and without `end` becomes `replacement`.
package struct Fix: Sendable, Equatable {
    package var start: SourcePosition
    package var end: SourcePosition
    package var replacement: String

    package init(start: SourcePosition, end: SourcePosition, replacement: String) {
        self.start = start
        self.end = end
        self.replacement = replacement
    }

    /// Replaces `text` where it stands, perhaps in quotes, which then stay.
    ///
    /// - Returns: nil if the file has something else there: escapes, a fold, another writing.
    package init?(
        replacing text: String, with replacement: String, at position: SourcePosition, in source: SourceText
    ) {
        let wanted = Array(text.unicodeScalars)
        let line = source.line(position.line)
        var start = line.startIndex + position.column - 1
        guard !wanted.isEmpty, start < line.endIndex else { return nil }
        if line[start] == "'" || line[start] == "\"", wanted[0] != line[start] { start += 1 }
        guard start + wanted.count <= line.endIndex, line[start...].starts(with: wanted) else { return nil }
        let column = start - line.startIndex + 1
        self.start = SourcePosition(line: position.line, column: column)
        end = SourcePosition(line: position.line, column: column + wanted.count)
        self.replacement = replacement
    }

    /// The text with all fixes made that do not overlap an earlier one; nil if it is not UTF-8.
    package static func apply(_ fixes: [Fix], to bytes: [UInt8]) -> [UInt8]? {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let hasMark = bytes.starts(with: mark)
        guard let text = String(validating: hasMark ? Array(bytes.dropFirst(3)) : bytes, as: UTF8.self) else {
            return nil
        }
        let source = SourceText(path: "", text: text)
        var scalars = source.scalars
        var limit = scalars.count
        // From the end backwards, so that places before a fix stay true.
        for fix in fixes.sorted(by: { $0.start > $1.start }) {
            let range = source.offset(of: fix.start)..<max(source.offset(of: fix.start), source.offset(of: fix.end))
            guard range.upperBound <= limit else { continue }
            scalars.replaceSubrange(range, with: fix.replacement.unicodeScalars)
            limit = range.lowerBound
        }
        return (hasMark ? mark : []) + Array(String(scalars: scalars).utf8)
    }
}
