import Documents
import Events

/// Which names an expression may use, and what they stand for.
struct TemplateScope {
    enum Place: Sendable { case body, text, header, time }

    struct Problem {
        var code: FindingCode
        var message: String
        var hint: String?
        /// Index of the member that is wrong; nil is the root.
        var member: Int?
    }

    enum Resolution {
        case operand(Operand)
        case problem(Problem)
    }

    var ruleID: String
    var labels: Fields
    var vars: Fields
    /// The rule takes platform events: there is no header and no record ID.
    var isPlatform: Bool
    /// One delivery for many events: names that belong to one event mean nothing.
    var isCoalesced = false
    var place = Place.body
    let uses: TemplateUses

    static let roots = ["event", "header", "record", "recordId", "org", "rule", "vars", "batch", "now"]

    func resolve(_ root: String, _ members: [ExpressionParser.Member]) -> Resolution {
        if let problem = availability(of: root) { return .problem(problem) }
        switch root {
        case "record":
            return .operand(
                .record(members.map(\.name), firstOptional: members.firstIndex { $0.isOptional }))
        case "recordId": return leaf(root, members, .recordID)
        case "now": return leaf(root, members, .now)
        case "event": return member(root, members) { Operand.EventField(rawValue: $0).map(Operand.event) }
        case "header": return member(root, members) { Operand.HeaderField(rawValue: $0).map(Operand.header) }
        case "org": return member(root, members) { Operand.OrgField(rawValue: $0).map(Operand.org) }
        case "batch": return member(root, members) { Operand.BatchField(rawValue: $0).map(Operand.batch) }
        case "vars": return constant(root, members, vars)
        case "rule": return constant(root, members, ["id": .string(ruleID), "labels": .record(labels)])
        default: return .problem(unknown(root))
        }
    }

    private func availability(of root: String) -> Problem? {
        if isCoalesced, ["event", "header", "record", "recordId"].contains(root) {
            let replacement = root == "event" ? "batch.firstCommit" : "batch.recordIds"
            return Problem(
                code: .notAvailable, message: "'\(root)' cannot be used in a coalesced delivery",
                hint: "use \(replacement)")
        }
        if isPlatform, root == "header" || root == "recordId" {
            return Problem(
                code: .notAvailable, message: "'\(root)' is only for change events",
                hint: "platform events have 'event' and 'record'")
        }
        switch root {
        case "flow": return Problem(code: .notAvailable, message: "'flow' is only for 'fanOut'", hint: nil)
        case "let":
            return Problem(
                code: .notSupported, message: "'let' is not available in this version", hint: "use 'vars' for constants"
            )
        default: return nil
        }
    }

    private func unknown(_ root: String) -> Problem {
        let startsLikeField = root.unicodeScalars.first.map { ("A"..."Z").contains($0) } ?? false
        let hint =
            startsLikeField
            ? "fields are written record.\(root)"
            : Suggestion.hint(for: root, in: Self.roots) ?? "the names are \(Self.roots.joined(separator: ", "))"
        return Problem(code: .unknownName, message: "'\(root.shortened)' is not known here", hint: hint)
    }

    private func leaf(_ root: String, _ members: [ExpressionParser.Member], _ operand: Operand) -> Resolution {
        guard members.isEmpty else { return .problem(noMember(of: root, members, 0, [])) }
        return .operand(operand)
    }

    /// `root.member`, where a struct always has all its members.
    private func member(
        _ root: String, _ members: [ExpressionParser.Member], _ lookUp: (String) -> Operand?
    ) -> Resolution {
        guard let first = members.first else { return .problem(wholeStruct(root)) }
        guard let operand = lookUp(first.name) else {
            return .problem(noMember(of: root, members, 0, Self.members(of: root)))
        }
        guard members.count == 1 else { return .problem(noMember(of: "\(root).\(first.name)", members, 1, [])) }
        return .operand(operand)
    }

    private func constant(_ root: String, _ members: [ExpressionParser.Member], _ fields: Fields) -> Resolution {
        guard !members.isEmpty else { return .problem(wholeStruct(root)) }
        var value = Value.record(fields)
        var name = root
        for (index, member) in members.enumerated() {
            guard case .record(let fields) = value, let inner = fields[member.name] else {
                var known: [String] = []
                if case .record(let fields) = value { known = fields.fields.map(\.name) }
                return .problem(noMember(of: name, members, index, known))
            }
            value = inner
            name += ".\(member.name)"
        }
        return .operand(.constant(value))
    }

    private func wholeStruct(_ root: String) -> Problem {
        Problem(
            code: .notSupported, message: "'\(root)' as a whole is not available in this version",
            hint: "name one of its members, such as \(root).\(Self.members(of: root).first ?? "name")")
    }

    private func noMember(
        of name: String, _ members: [ExpressionParser.Member], _ index: Int, _ known: [String]
    ) -> Problem {
        let member = members[index].name
        return Problem(
            code: .unknownName, message: "\(name.shortened) has no '\(member.shortened)'",
            hint: Suggestion.hint(for: member, in: known), member: index)
    }

    private static func members(of root: String) -> [String] {
        switch root {
        case "event": Operand.EventField.allCases.map(\.rawValue)
        case "header": Operand.HeaderField.allCases.map(\.rawValue)
        case "org": Operand.OrgField.allCases.map(\.rawValue)
        case "batch": Operand.BatchField.allCases.map(\.rawValue)
        case "rule": ["id", "labels"]
        default: []
        }
    }
}

/// What the templates of one rule use, for the checks that look at the rule as a whole.
final class TemplateUses {
    struct Field {
        var path: String
        var position: SourcePosition
        var length: Int
    }

    /// Fields written without `.?`: their absence fails the delivery.
    private(set) var requiredFields: [Field] = []
    private(set) var vars: Set<String> = []

    func note(variable: String) { vars.insert(variable) }

    func note(_ operand: Operand, at position: SourcePosition, length: Int) {
        guard case .record(let path, let firstOptional) = operand else { return }
        let required = path.prefix(firstOptional ?? path.count)
        guard !required.isEmpty else { return }
        requiredFields.append(Field(path: required.joined(separator: "."), position: position, length: length))
    }
}
