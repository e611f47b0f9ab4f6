import Yams

/// What the YAML parser could not read, in words that say what to write instead.
struct YAMLProblem {
    var code = FindingCode.yaml
    var position = SourcePosition(line: 1, column: 1)
    var message: String
    var hint: String?
    var fix: Fix?
    private var isReported = false

    init(_ error: any Error, in source: SourceText) {
        message = "this cannot be read as YAML"
        switch error {
        case is YAMLReader.Reported: isReported = true
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _):
            position = SourcePosition(line: mark.line, column: mark.column)
            explain(problem, context: context, source)
        case YamlError.composer(_, let problem, let mark, _):
            position = SourcePosition(line: mark.line, column: mark.column)
            explain(problem, context: nil, source)
        case YamlError.reader(let problem, let offset, _, _):
            position = source.position(at: min(offset ?? 0, source.scalars.count))
            code = .yamlEncoding
            message = problem
        case YamlError.memory:
            code = .tooDeep
            message = "this is nested too deep to be read"
        case YamlError.duplicatedKeysInMapping(let names, let context):
            position = SourcePosition(line: context.mark.line, column: context.mark.column)
            code = .duplicateKey
            message = "'\((names.first ?? "").shortened)' is given twice"
        default: break
        }
    }

    func report(to findings: FindingList, in source: SourceText) {
        guard !isReported else { return }
        findings.report(code, in: source, at: position, message, hint: hint, fix: fix)
    }

    private mutating func explain(_ problem: String, context: YamlError.Context?, _ source: SourceText) {
        switch problem {
        case "mapping values are not allowed in this context":
            message = "': ' is not allowed inside an unquoted value"
            hint = "put the value in double quotes, or write it as a block with |"
            fix = Quoting(source: source).value(onLine: position.line)
        case "but found another document":
            code = .yamlDocuments
            message = "a file holds one document, here a second one starts"
            hint = "put it into a file of its own"
        case "found unexpected end of stream" where context?.text.contains("quoted scalar") == true:
            message = "a quote is opened here and never closed"
            if let mark = context?.mark { position = SourcePosition(line: mark.line, column: mark.column) }
        case "did not find expected key":
            message = "this line fits neither the map above it nor the line before"
            hint = "check its indentation, and quotes that end too early"
        case "did not find expected '-' indicator":
            message = "an element of a list is expected here"
            hint = "start it with '- ', in the column of the other elements"
        case "found character that cannot start any token":
            message = "an unquoted value cannot start with this character"
            hint = "put the value in double quotes"
        case let text where text.contains("alphabetic or numeric character"):
            message = "an unquoted value cannot start with '*' or '&'"
            // The mark is behind it.
            position.column = max(1, position.column - 1)
            hint = "put it in double quotes: \"*\""
        case let text where text.contains("tab character"):
            code = .yamlTab
            message = "a tab cannot be used for indentation"
            hint = "use spaces"
        default: message = problem
        }
    }
}
