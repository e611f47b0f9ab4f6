import CEL
import Documents

/// Rules that say the same under two names: each event is then delivered twice.
struct SameRules {
    let rules: [RuleDecoder.Decoded]
    let findings: FindingList

    func check() {
        var first: [Int: RuleDecoder.Decoded] = [:]
        for decoded in rules where decoded.rule.mode == .live {
            let hash = Self.hash(decoded)
            guard let same = first[hash] else {
                first[hash] = decoded
                continue
            }
            let place = decoded.node["id"] ?? decoded.node
            guard same.rule.id != decoded.rule.id else { continue }
            let location = same.rule.location
            findings.report(
                .sameRule, .warning, at: place,
                "this rule does the same as '\(same.rule.id)' at \(location.path):\(location.position.line)",
                hint: "remove one of them: both deliver")
        }
    }

    /// Keys that do not change what a rule does.
    private static let naming: Set<String> = ["id", "description", "labels"]

    /// Equal for rules that do the same; only within this process.
    static func hash(_ decoded: RuleDecoder.Decoded) -> Int {
        var hasher = Hasher()
        // What the file adds to the rule.
        hasher.combine(decoded.rule.onGap)
        if !decoded.uses.members(of: "vars").isEmpty { hasher.combine(decoded.node.source.path) }
        var sum = 0
        for entry in decoded.node.entries where !naming.contains(entry.key) { sum &+= hash(entry) }
        hasher.combine(sum)
        return hasher.finalize()
    }

    private static func hash(_ entry: YAMLNode.Entry) -> Int {
        var hasher = Hasher()
        hasher.combine(entry.key)
        combine(entry.value, &hasher)
        return hasher.finalize()
    }

    /// The order of a map's keys and the writing of its values make no difference.
    private static func combine(_ node: YAMLNode, _ hasher: inout Hasher) {
        switch node.content {
        case .scalar(let scalar):
            hasher.combine(scalar.style == .plain && CoreScalar(scalar.text) != .text)
            hasher.combine(scalar.text.trimmedOfSpace)
        case .list(let elements):
            hasher.combine(elements.count)
            for element in elements { combine(element, &hasher) }
        case .map(let entries):
            hasher.combine(entries.reduce(entries.count) { $0 &+ hash($1) })
        case .broken: break
        }
    }
}

/// Whether something in a rule lets the index find it without looking at every rule.
enum Indexable {
    static func hasAny(_ rule: Rule) -> Bool {
        if rule.match.changed?.any?.isEmpty == false || rule.match.changed?.all?.isEmpty == false { return true }
        if !rule.match.cleared.isEmpty { return true }
        return rule.when?.tree?.root.conjuncts.contains(where: isIndexable) ?? false
    }

    private static let names: Set<String> = ["header.commitUser", "org.alias", "event.topic"]

    private static func isIndexable(_ part: CELExpression) -> Bool {
        switch part.kind {
        case .has(let operand, _): return operand.qualifiedName?.hasPrefix("record") == true
        case .call(let name, let receiver?, let arguments):
            return ["startsWith", "matches"].contains(name.text) && FieldReference(receiver) != nil
                && arguments.first?.stringLiteral != nil
        case .call(let name, nil, _): return FieldFunctions.all.contains(name.text)
        default:
            guard let comparison = LiteralComparison(part), comparison.relation != .notEqual else { return false }
            return comparison.field != nil || comparison.operand?.qualifiedName.map(names.contains) == true
        }
    }
}
