import Events

/// One thing that a file says wrongly, at the place where it says it.
package struct Finding: Sendable, Equatable {
    package enum Severity: String, Sendable { case error, warning }

    package var severity: Severity
    package var code: FindingCode
    package var location: SourceLocation
    /// How many scalars the caret line underlines.
    package var length: Int
    /// Without a full stop.
    package var message: String
    /// What to write instead.
    package var hint: String?
    /// The exact change that mends it, for findings where there can be no doubt.
    package var fix: Fix?
    /// The line of the file that `location` points into, or the part of a very long one around the place.
    package var excerpt: Excerpt?

    package struct Excerpt: Sendable, Equatable {
        package var text: String
        /// The 1-based column of `text` at which the finding is.
        package var column: Int
    }

    /// The finding as text: one line, then the source line, a caret line and at most one hint, each ended by a newline.
    package var text: String {
        var text = "\(location): \(severity)[\(code.rawValue)]: \(message)\n"
        if let excerpt {
            let number = String(location.position.line)
            let gutter = String(repeating: " ", count: max(0, 5 - number.count)) + number
            let carets = String(repeating: "^", count: max(1, length))
            text += "\(gutter) | \(excerpt.text)\n"
            text += String(repeating: " ", count: max(6, gutter.count + 1)) + "| "
            text += String(repeating: " ", count: excerpt.column - 1) + carets + "\n"
        }
        if let hint { text += "  hint: \(hint)\n" }
        return text
    }

    /// Appends one JSON object: `file`, `line`, `column`, `length`, `severity`, `code`, `message`, and if any `hint`
    /// and `fix` (`line`, `column`, `endLine`, `endColumn`, `replacement`; the end is exclusive).
    package func appendJSON(to json: inout JSONText) {
        json.raw(#"{"file":"#)
        json.string(location.path)
        json.raw(#","line":"#)
        json.int(Int64(location.position.line))
        json.raw(#","column":"#)
        json.int(Int64(location.position.column))
        json.raw(#","length":"#)
        json.int(Int64(length))
        json.raw(#","severity":"#)
        json.string(severity.rawValue)
        json.raw(#","code":"#)
        json.string(code.rawValue)
        json.raw(#","message":"#)
        json.string(message)
        if let hint {
            json.raw(#","hint":"#)
            json.string(hint)
        }
        fix?.appendJSON(to: &json)
        json.raw("}")
    }
}

extension Fix {
    fileprivate func appendJSON(to json: inout JSONText) {
        json.raw(#","fix":{"line":"#)
        json.int(Int64(start.line))
        json.raw(#","column":"#)
        json.int(Int64(start.column))
        json.raw(#","endLine":"#)
        json.int(Int64(end.line))
        json.raw(#","endColumn":"#)
        json.int(Int64(end.column))
        json.raw(#","replacement":"#)
        json.string(replacement)
        json.raw("}")
    }
}
