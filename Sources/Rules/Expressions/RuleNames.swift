import CEL
import Events

/// The names expressions may use: their places in a frame, their types, the numbers of members.
///
/// Every expression of every rule is compiled against the same variables in the same order, so that one frame serves all.
enum RuleNames {
    /// The raw value is the place in a frame.
    enum Variable: Int, CaseIterable {
        case event, header, record, recordId, org, rule, vars, `let`, batch, flow, now

        var name: String { "\(self)" }
    }

    static let event: [(name: String, type: CELType)] = [
        ("id", .string), ("kind", .string), ("entity", .string), ("change", .string), ("topic", .string),
        ("replayId", .string), ("schemaId", .string), ("time", .timestamp), ("receivedAt", .timestamp),
        ("fetched", .bool), ("replayed", .bool),
    ]
    static let header: [(name: String, type: CELType)] = [
        ("entityName", .string), ("recordIds", .list(.string)), ("changeType", .string), ("changeOrigin", .string),
        ("transactionKey", .string), ("sequenceNumber", .int), ("commitTimestamp", .int), ("commitNumber", .int),
        ("commitUser", .string), ("changedFields", .list(.string)), ("nulledFields", .list(.string)),
        ("diffFields", .list(.string)),
    ]
    static let org: [(name: String, type: CELType)] = [("id", .string), ("alias", .string), ("sandbox", .bool)]
    static let rule: [(name: String, type: CELType)] = [("id", .string), ("labels", .map(.string, .string))]
    static let batch: [(name: String, type: CELType)] = [
        ("count", .int), ("firstCommit", .timestamp), ("lastCommit", .timestamp), ("recordIds", .list(.string)),
        ("changes", .list(.string)), ("events", .list(.dyn)),
    ]
    static let flow: [(name: String, type: CELType)] = [
        ("id", .string), ("name", .string), ("inputParameters", .map(.string, .string)),
    ]

    /// The members of a struct that always has all of them; nil for what has members of its own.
    static func members(of object: String) -> [(name: String, type: CELType)]? {
        switch object {
        case "event": event
        case "header": header
        case "org": org
        case "rule": rule
        case "batch": batch
        case "flow": flow
        default: nil
        }
    }

    /// What one rule adds: its file's constants and its own `let`.
    struct Scope: Sendable {
        /// By name.
        var vars: [String: CELType] = [:]
        /// By name; those that stand before the expression.
        var lets: [String: CELType] = [:]
        /// `record` where the fields of its object are known: field → type. Nil is any field.
        var record: [String: CELType]?

        init() {}
    }

    static func environment(_ scope: Scope = Scope(), costLimit: Int = 10_000) -> CELEnvironment {
        var environment = base
        environment.costLimit = costLimit
        environment.memberType = { object, member in
            switch object {
            case "vars": scope.vars[member]
            case "let": scope.lets[member]
            case "record": scope.record.map { $0[member] } ?? .dyn
            default: members(of: object)?.first { $0.name == member }?.type
            }
        }
        return environment
    }

    /// The standard library and ours; any field, no constants.
    private static let base: CELEnvironment = {
        var environment = CELEnvironment(
            variables: Variable.allCases.map { CELEnvironment.Variable($0.name, type(of: $0)) },
            functions: RuleFunctions.all)
        environment.memberID = { MemberNumbers.shared.number(of: $0) }
        return environment
    }()

    private static func type(of variable: Variable) -> CELType {
        switch variable {
        case .recordId: .string
        case .now: .timestamp
        default: .object(variable.name)
        }
    }

    static let syntax: CELSyntaxOptions = {
        var options = CELSyntaxOptions()
        options.freedWords = ["let"]
        return options
    }()
}
