/// Holds one scalar against what its key expects.
struct ScalarChecker {
    let checker: KeyChecker
    let node: YAMLNode
    let text: String
    let label: String

    func check(_ type: ValueType) {
        switch type {
        case .bool: if text != "true", text != "false" { wrongType(type) }
        case .integer(let range): checkInteger(range, type)
        case .duration: checkDuration()
        case .rate: if RateText.perSecond(text) == nil { bad("is not a rate", hint: "write 10/s, 300/m or 5000/h") }
        case .size: if SizeText.bytes(text) == nil { bad("is not a size", hint: "write 500kB, 64MB, 1GB or 0") }
        case .url: checkURL()
        case .word(let words): checkWord(words)
        case .name:
            if let problem = ValueType.NamePattern.name.problem(with: text) { bad("is not a name", hint: problem) }
        case .entity: if text != "*" { checkAPIName() }
        case .apiName: checkAPIName()
        case .hexID: if !text.isHexID { bad("is not an id of 24 hex digits") }
        case .flowID: if !text.isHexID, !text.hasInterpolation { bad("is not an id of 24 hex digits") }
        case .text: if text.isEmpty { wrongType(type) }
        default: break
        }
    }

    private func checkInteger(_ range: ClosedRange<Int>, _ type: ValueType) {
        guard node.scalar?.style == .plain, case .int(let number) = CoreScalar(text) else { return wrongType(type) }
        guard number < Int64(range.lowerBound) || number > Int64(range.upperBound) else { return }
        if range.count == 1 {
            checker.report(
                .badValue, at: node.position, length: node.length,
                "\(label) must be \(range.lowerBound), this is \(text)")
        } else {
            bad("is not from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    private func checkDuration() {
        guard DurationText.milliseconds(text) == nil else { return }
        let guess = DurationText.guess(text)
        checker.report(
            .badDuration, at: node.position, length: node.length, "'\(text.shortened)' is not a duration",
            hint: guess.map { "write \($0)" } ?? "durations are written 10s, 5m, 24h, 7d or 1h30m",
            fix: guess.flatMap { Fix(replacing: text, with: $0, at: node.position, in: node.source) })
    }

    private func checkWord(_ words: [String]) {
        guard !words.contains(text) else { return }
        bad(
            "is not one of \(words.joined(separator: ", "))", hint: Suggestion.hint(for: text, in: words),
            fix: Suggestion.only(to: text, in: words).flatMap {
                Fix(replacing: text, with: $0, at: node.position, in: node.source)
            })
    }

    private func checkAPIName() {
        guard !text.isAPIName else { return }
        bad("is not an API name", hint: "API names have letters, digits and underscores, such as Account or Order__c")
    }

    private func checkURL() {
        let rest = URLText.afterScheme(text)
        let hasForbidden = text.unicodeScalars.contains { $0.value <= 0x20 || $0.value >= 0x7F }
        guard let rest, !rest.isEmpty, !rest.hasPrefix("/"), !hasForbidden, !text.contains("#") else {
            return bad("is not a URL", hint: "write https://host/path")
        }
        if URLText.holdsUser(text) {
            checker.report(
                .secretLiteral, at: node.position, length: node.length,
                "a URL cannot hold a user name and password", hint: "use 'auth'", secret: true)
        } else if let problem = URLText.problem(text) {
            bad("is not a URL: \(problem)", hint: text.hasInterpolation ? "a delivery's 'path' may be computed" : nil)
        }
    }

    private func wrongType(_ type: ValueType) { checker.wrongType(node, label, type.inWords) }

    private func bad(_ problem: String, hint: String? = nil, fix: Fix? = nil) {
        checker.report(
            .badValue, at: node.position, length: node.length, "'\(text.shortened)' \(problem)", hint: hint, fix: fix)
    }
}
