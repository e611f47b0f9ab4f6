/// Holds a YAML tree against the key tables and reports what does not fit. What fits is read afterwards, silently, by
/// the decoders.
struct KeyChecker {
    let source: SourceText
    let findings: FindingList
    /// That of the whole file, for keys that are somewhere else in it.
    let file: KeyTable

    /// - Parameters:
    ///   - place: where a missing key is reported: the key that holds the map, or the start of a list's element.
    ///   - length: of the text at `place`.
    func check(_ node: YAMLNode, _ table: KeyTable, at place: SourcePosition, length: Int = 1) {
        guard !node.isBroken else { return }
        guard node.isMap else {
            return wrongType(node, table.name, "a map")
        }
        var meant: Set<String> = []
        for entry in node.entries {
            if let key = table.key(entry.key) {
                check(entry, key)
            } else if let name = unknownKey(entry, of: node, table) {
                meant.insert(name)
            }
        }
        checkPresence(node, table, meant: meant, at: place, length: length)
    }

    /// - Returns: the key that was probably meant.
    private func unknownKey(_ entry: YAMLNode.Entry, of node: YAMLNode, _ table: KeyTable) -> String? {
        let free = table.keys.map(\.name).filter { node.entry($0) == nil }
        let place = table.keyPlace(of: entry.key, in: file)
        let isBelow = place?.isBelow ?? false
        let name = isBelow ? nil : Suggestion.nearest(to: entry.key, in: free)
        report(
            .unknownKey, at: entry.keyPosition, length: entry.key.unicodeScalars.count,
            "'\(entry.key.shortened)' is not a key of \(table.name)",
            hint: (isBelow ? place?.hint : nil) ?? name.map { "did you mean '\($0)'?" }
                ?? Suggestion.hint(for: entry.key, in: table.keys.map(\.name)) ?? place?.hint
                ?? "the keys are \(table.keys.map(\.name).joined(separator: ", "))",
            fix: isBelow ? nil : Suggestion.only(to: entry.key, in: free).flatMap {
                Fix(replacing: entry.key, with: $0, at: entry.keyPosition, in: source)
            })
        return name
    }

    /// - Parameter meant: keys that are there under a misspelt name.
    private func checkPresence(
        _ node: YAMLNode, _ table: KeyTable, meant: Set<String>, at place: SourcePosition, length: Int
    ) {
        for key in table.keys where key.isRequired && node.entry(key.name) == nil && !meant.contains(key.name) {
            report(.missingKey, at: place, length: length, "\(table.name) needs '\(key.name)'", hint: key.doc.asHint)
        }
        guard table.isChoice else { return }
        let given = node.entries.filter { table.key($0.key) != nil }
        if given.isEmpty, node.entries.isEmpty {
            let names = table.keys.map { "'\($0.name)'" }.joined(separator: ", ")
            report(.missingKey, at: place, length: length, "\(table.name) needs one of \(names)")
        } else if given.count > 1 {
            report(
                .bothGiven, at: given[1].keyPosition, length: given[1].key.unicodeScalars.count,
                "'\(given[0].key)' and '\(given[1].key)' cannot both be given")
        }
    }

    private func check(_ entry: YAMLNode.Entry, _ key: Key) {
        guard !entry.value.isBroken else { return }
        if case .expression = key.type { checkComment(entry) }
        check(entry.value, key.type, "'\(key.name)'", at: entry)
    }

    /// - Parameter label: what messages call the value.
    private func check(_ node: YAMLNode, _ type: ValueType, _ label: String, at entry: YAMLNode.Entry) {
        guard !node.isBroken else { return }
        if case .secret = type { return SecretChecker(checker: self).check(node) }
        guard type.takes(node), !node.isNull || allowsNull(type) else {
            return wrongType(node, label, type.inWords)
        }
        switch type {
        case .list(let element, let mayBeEmpty):
            checkElements(node, element, label, at: entry, mayBeEmpty: mayBeEmpty)
        case .oneOrMore(let element): checkElements(node, element, label, at: entry, mayBeEmpty: false)
        case .map(let pattern, let element): checkMap(node, pattern, element, at: entry)
        case .table(let table):
            let isValue = entry.value.position == node.position
            check(
                node, table, at: isValue ? entry.keyPosition : node.position,
                length: isValue ? entry.key.unicodeScalars.count : 1)
        case .shapes(let types):
            if let type = types.first(where: { $0.takes(node) }) { check(node, type, label, at: entry) }
        case .constant: checkConstant(node, label)
        case .tree: break
        default:
            if let scalar = node.scalar {
                ScalarChecker(checker: self, node: node, text: scalar.text, label: label).check(type)
            }
        }
    }

    /// An unquoted expression with ` #` in it ends there, which YAML does not say.
    private func checkComment(_ entry: YAMLNode.Entry) {
        guard let scalar = entry.value.scalar, scalar.style == .plain else { return }
        let end = ScalarPositions(scalar, at: entry.value.position, in: source)[scalar.text.unicodeScalars.count]
        let rest = source.line(end.line).dropFirst(end.column - 1)
        guard let mark = rest.firstIndex(where: { !$0.isBlank }), rest[mark] == "#" else { return }
        let comment = String(scalars: rest[mark...])
        guard ["&&", "||", "==", "!=", "record."].contains(where: comment.contains) else { return }
        report(
            .yamlComment, .warning, at: source.position(at: mark), length: comment.unicodeScalars.count,
            "' #' starts a comment; the expression ends here", hint: "write it as a block: `\(entry.key): |`")
    }

    private func allowsNull(_ type: ValueType) -> Bool {
        switch type {
        case .tree, .constant: true
        case .shapes(let types): types.contains(where: allowsNull)
        default: false
        }
    }

    private func checkElements(
        _ node: YAMLNode, _ type: ValueType, _ label: String, at entry: YAMLNode.Entry, mayBeEmpty: Bool
    ) {
        if node.isList, node.elements.isEmpty, !mayBeEmpty {
            return report(.badValue, at: node.position, "\(label) must not be an empty list")
        }
        for element in node.elements {
            check(element, type, node.isList ? "an element of \(label)" : label, at: entry)
        }
    }

    private func checkMap(
        _ node: YAMLNode, _ pattern: ValueType.NamePattern, _ type: ValueType, at entry: YAMLNode.Entry
    ) {
        for inner in node.entries {
            if let problem = pattern.problem(with: inner.key) {
                report(
                    .badValue, at: inner.keyPosition, length: inner.key.unicodeScalars.count,
                    "'\(inner.key.shortened)' is not a name for an entry of '\(entry.key)'", hint: problem)
            }
            check(inner.value, type, "'\(inner.key.shortened)'", at: inner)
        }
    }

    private func checkConstant(_ node: YAMLNode, _ label: String) {
        for element in node.elements {
            guard let scalar = element.scalar else {
                if !element.isBroken { wrongType(element, "an element of \(label)", "a single value") }
                continue
            }
            if scalar.style == .plain, CoreScalar(scalar.text) == .unusableNumber {
                report(
                    .badValue, at: element.position, length: element.length,
                    "\(scalar.text.shortened) is not a number that JSON can carry exactly",
                    hint: "put it in quotes to make it text")
            }
        }
    }

    func wrongType(_ node: YAMLNode, _ label: String, _ expected: String) {
        report(
            .wrongType, at: node.position, length: node.length,
            "\(label) must be \(expected), this is \(node.kindInWords)")
    }

    func report(
        _ code: FindingCode, _ severity: Finding.Severity = .error, at position: SourcePosition, length: Int = 1,
        _ message: String, hint: String? = nil, fix: Fix? = nil, secret: Bool = false
    ) {
        findings.report(
            code, severity, in: source, at: position, length: length, message, hint: hint, fix: fix, secret: secret)
    }
}

extension ValueType.NamePattern {
    /// - Returns: how names must be, if this is not one.
    func problem(with name: String) -> String? {
        switch self {
        case .any: name.isEmpty ? "a name cannot be empty" : nil
        case .name: name.isRuleName ? nil : "lower-case letters, digits and hyphens, starting with a letter, at most 63"
        case .variable:
            name.isVariableName || name.isRuleName
                ? nil : "letters, digits and hyphens, starting in lower case, at most 63"
        case .headerName: name.isHeaderName ? nil : "the name of an HTTP header has letters, digits and hyphens"
        }
    }
}
