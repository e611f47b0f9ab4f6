/// Reads a file's YAML tokens just closely enough to see what the parser would hide or explain badly: aliases, tags,
/// tabs, `${` inside flow collections, and nesting that would exhaust the stack.
struct YAMLScan {
    /// Flow collections, and `- - -` on one line, nested deeper are not given to the parser.
    static let maximumNesting = 100

    let source: SourceText
    let findings: FindingList
    /// Places of tags, all reported.
    private(set) var tags: Set<SourcePosition> = []
    /// The parser must not see this file; a finding says why.
    private(set) var isBlocked = false

    private var offset = 0
    private var flowDepth = 0
    /// Column (0-based) of the innermost dash or key on the way to the current token; -1 at the top.
    private var parentColumn = -1
    /// The last key read, for messages.
    private var key = ""
    /// Lines indented deeper than this belong to the block scalar, or to the plain scalar, of the line before.
    private var blockParent: Int?
    private var plainParent: Int?

    init(source: SourceText, findings: FindingList) {
        self.source = source
        self.findings = findings
    }

    mutating func run() {
        var number = 1
        while number <= source.lineCount, !isBlocked {
            let line = source.line(number)
            if line.endIndex >= offset, !belongsToScalarAbove(line) {
                offset = max(offset, line.startIndex)
                scanLine(line, isContinued: offset > line.startIndex)
            }
            number += 1
        }
    }

    /// Whether the line is content of a block or plain scalar that began above.
    private mutating func belongsToScalarAbove(_ line: ArraySlice<Unicode.Scalar>) -> Bool {
        let indent = line.prefix { $0 == " " }.count
        let isBlank = line.allSatisfy(\.isBlank)
        if let parent = blockParent {
            if isBlank || indent > parent { return true }
            blockParent = nil
        }
        if let parent = plainParent {
            if isBlank || indent > parent { return true }
            plainParent = nil
        }
        return false
    }

    private mutating func scanLine(_ line: ArraySlice<Unicode.Scalar>, isContinued: Bool) {
        let content = line[offset...].firstIndex { !$0.isBlank } ?? line.endIndex
        guard content < line.endIndex, line[content] != "#" else { return }
        if !isContinued, flowDepth == 0 {
            if let tab = line[..<content].firstIndex(of: "\t") {
                return block(.yamlTab, at: tab, "a tab cannot be used for indentation", hint: "use spaces")
            }
            parentColumn = -1
        }
        offset = content
        var dashes = 0
        while offset < line.endIndex, !isBlocked, blockParent == nil {
            let scalar = line[offset]
            if scalar.isBlank {
                offset += 1
            } else if scalar == "#", source.scalars[offset - 1].isBlank {
                return
            } else if isIndicator("-?", in: line), flowDepth == 0 {
                parentColumn = offset - line.startIndex
                dashes += 1
                if dashes > Self.maximumNesting { return tooDeep() }
                offset += 1
            } else {
                token(scalar, in: line)
            }
        }
    }

    /// One of `indicators`, followed by a blank or the line's end.
    private func isIndicator(_ indicators: String, in line: ArraySlice<Unicode.Scalar>) -> Bool {
        indicators.unicodeScalars.contains(line[offset])
            && (offset + 1 == line.endIndex || line[offset + 1].isBlank)
    }

    private mutating func token(_ scalar: Unicode.Scalar, in line: ArraySlice<Unicode.Scalar>) {
        let next = offset + 1 < line.endIndex ? line[offset + 1] : " "
        switch scalar {
        case "\"", "'": quoted(scalar, in: line)
        case "&" where next.isWord, "*" where next.isWord:
            block(
                .yamlAlias, at: offset, length: line[offset...].prefix { !$0.isBlank && $0 != "," }.count,
                "anchors and aliases are not supported", hint: "use 'vars'")
        case "!": tag(in: line)
        case "|" where flowDepth == 0, ">" where flowDepth == 0:
            blockParent = parentColumn
            offset = line.endIndex
        case "[", "{":
            flowDepth += 1
            if flowDepth > Self.maximumNesting { return tooDeep() }
            offset += 1
        case "]", "}":
            flowDepth = max(0, flowDepth - 1)
            offset += 1
        case "," where flowDepth > 0, ":": offset += 1
        default: plain(in: line)
        }
    }

    /// Up to `: `, ` #`, the line's end or, in a flow collection, one of its indicators.
    private mutating func plain(in line: ArraySlice<Unicode.Scalar>) {
        let start = offset
        while offset < line.endIndex {
            let scalar = line[offset]
            let next = offset + 1 < line.endIndex ? line[offset + 1] : " "
            if scalar == "$", next == "{", flowDepth > 0 {
                return block(
                    .yamlFlow, at: offset, length: 2, "'${' cannot stand unquoted inside { } or [ ]",
                    hint: "put the value in double quotes",
                    fix: Quoting(source: source).template(at: offset, startingAt: start))
            }
            if scalar == ":", next.isBlank || (flowDepth > 0 && ",[]{}".unicodeScalars.contains(next)) {
                return foundKey(String(scalars: line[start..<offset]), at: start, in: line)
            }
            if scalar.isBlank, next == "#" { return }
            if flowDepth > 0, ",[]{}".unicodeScalars.contains(scalar) { return }
            offset += 1
        }
        if flowDepth == 0 { plainParent = parentColumn }
    }

    private mutating func foundKey(_ text: String, at start: Int, in line: ArraySlice<Unicode.Scalar>) {
        key = text
        if flowDepth == 0 { parentColumn = start - line.startIndex }
    }

    /// Skips a quoted scalar, which may end on a later line.
    private mutating func quoted(_ quote: Unicode.Scalar, in line: ArraySlice<Unicode.Scalar>) {
        let scalars = source.scalars
        let start = offset
        offset += 1
        while offset < scalars.count {
            if quote == "\"", scalars[offset] == "\\" {
                offset += 2
            } else if scalars[offset] != quote {
                offset += 1
            } else if quote == "'", offset + 1 < scalars.count, scalars[offset + 1] == "'" {
                offset += 2
            } else {
                break
            }
        }
        offset = min(offset + 1, scalars.count)
        guard offset < line.endIndex, line[offset...].first(where: { !$0.isBlank }) == ":" else { return }
        foundKey(String(scalars: line[(start + 1)..<(offset - 1)]), at: start, in: line)
    }

    private mutating func tag(in line: ArraySlice<Unicode.Scalar>) {
        let text = line[offset...].prefix { !$0.isBlank && (flowDepth == 0 || !",[]{}".unicodeScalars.contains($0)) }
        let isCondition = key == "when" || key == "where"
        let position = source.position(at: offset)
        tags.insert(position)
        findings.report(
            .yamlTag, in: source, at: position, length: text.count,
            "'\(String(scalars: text).shortened)' is read by YAML as a tag"
                + (isCondition ? ", so the condition is empty" : ""),
            hint: isCondition ? "write it as a block: `\(key): |`" : "put the value in quotes",
            fix: isCondition && flowDepth == 0
                ? Quoting(source: source).restOfLine(from: offset, keyColumn: parentColumn) : nil)
        offset += max(1, text.count)
    }

    private mutating func tooDeep() {
        block(.tooDeep, at: offset, "this is nested more than \(YAMLReader.maximumDepth) levels deep")
    }

    private mutating func block(
        _ code: FindingCode, at place: Int, length: Int = 1, _ message: String, hint: String? = nil, fix: Fix? = nil
    ) {
        isBlocked = true
        findings.report(code, in: source, at: source.position(at: place), length: length, message, hint: hint, fix: fix)
    }
}
