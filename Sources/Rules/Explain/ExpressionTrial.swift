import CEL
import Events

/// Tries one expression, against an event or against bindings, the way a rule would evaluate it.
package struct ExpressionTrial: Sendable {
    package struct Result: Sendable {
        /// As JSON; NaN and the infinities as text.
        package var value: Value
        /// `bool`, `int`, `uint`, `double`, `string`, `bytes`, `list`, `map`, `null`, `timestamp`, `duration`, `type`,
        /// `optional`.
        package var type: String
        package var cost: Int
    }

    package struct Failure: Error, Sendable, CustomStringConvertible {
        /// `syntax`, `undeclared`, `no-such-overload`, `divide-by-zero`: the kind of error in lower case.
        package var code: String
        package var message: String
        /// 1-based, in Unicode scalars of the expression; nil where no part is to blame.
        package var column: Int?
        /// Scalars from there on.
        package var length: Int
        /// Decided by a field that is absent or null: as a condition this is unknown, and no fault.
        package var isUnknown: Bool

        package init(code: String, message: String) {
            self.code = code
            self.message = message
            length = 1
            isUnknown = false
        }

        init(_ error: CELError) {
            code = Self.slug(error.kind.rawValue)
            message = error.message
            column = error.range.map { $0.lowerBound + 1 }
            length = max(1, error.range?.count ?? 1)
            isUnknown = error.isUnknown
        }

        /// `noSuchKey` → `no-such-key`
        private static func slug(_ name: String) -> String {
            name.map { $0.isUppercase ? "-\($0.lowercased())" : String($0) }.joined()
        }

        package var description: String { "\(code): \(message)" }
    }

    private let tree: CELSyntaxTree
    private let program: CELProgram
    private let environment: CELEnvironment

    /// - Parameter bindings: names that the expression may use besides those of rules.
    package init(_ expression: String, bindings: [String] = []) throws(Failure) {
        do throws(CELError) {
            var environment = RuleNames.environment(costLimit: Evaluation.deliveryCostLimit)
            for name in bindings { environment.declare(CELEnvironment.Variable(name, .dyn)) }
            tree = try CELSyntaxTree(parsing: expression, options: RuleNames.syntax)
            program = try CELProgram(tree, in: environment)
            self.environment = environment
        } catch {
            throw Failure(error)
        }
    }

    /// What checking says must fail whatever the values: lint refuses a rule with it.
    package var problems: [Failure] { CELCheck(tree, in: environment).issues.map(Failure.init) }

    /// - Parameter now: epoch milliseconds.
    package func evaluate(on event: Event, now: Int64) throws(Failure) -> Result {
        let evaluation = Evaluation(event, now: now)
        let rule = Rule.trial
        evaluation.begin(rule, event, EventRole(change: event.change, reading: ChangeKind(event)?.reading ?? .nothing))
        return try evaluate(evaluation.frame)
    }

    /// - Parameter bindings: a JSON object becomes a map, a whole number an int, one with a fraction or exponent a double.
    package func evaluate(bindings: Fields) throws(Failure) -> Result {
        let frame = CELFrame(for: environment)
        for field in bindings.fields {
            if let slot = environment.slot(of: field.name) { frame[slot] = CELValue(plain: field.value) }
        }
        return try evaluate(frame)
    }

    private func evaluate(_ frame: CELFrame) throws(Failure) -> Result {
        do throws(CELError) {
            let value = try program.evaluate(frame)
            return Result(value: value.shown, type: value.kindName, cost: frame.cost)
        } catch {
            throw Failure(error)
        }
    }
}

extension Rule {
    /// Stands in for `rule` where there is none.
    fileprivate static let trial = Rule(
        id: "expression", mode: .live, labels: [:], match: MatchBlock(subject: .anyEntity, changes: []), lets: [],
        needs: nil, when: nil, onGap: .skip, deliveries: [],
        location: ExpressionText("").location(), vars: .object(CompoundObject(Fields())))
}

extension CELValue {
    /// Objects as plain maps: a key that is not there is an error, not absent.
    fileprivate init(plain value: Value) {
        switch value {
        case .list(let values): self = .list(values.map { CELValue(plain: $0) })
        case .record(let fields):
            self = .map(CELMap(fields.fields.map { (.string($0.name), CELValue(plain: $0.value)) }))
        default: self = CELValue(value)
        }
    }

    fileprivate var kindName: String {
        switch self {
        case .null: "null"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .optional: "optional"
        case .object: "map"
        default: typeName
        }
    }

    /// For people and programs that look: everything has a form, keys of maps are text.
    fileprivate var shown: Value {
        switch self {
        case .null, .optional(nil): .null
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .uint(let number): Int64(exactly: number).map { .int($0) } ?? .string(String(number))
        case .double(let number):
            if number.isFinite { .double(number) } else { .string(number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity") }
        case .string(let text): .string(text)
        case .bytes(let bytes): .bytes(bytes)
        case .timestamp(let time): .string(time.text)
        case .duration(let duration): .string(duration.text)
        case .type(let name): .string(name)
        case .list(let values): .list(values.map(\.shown))
        case .map(let map):
            .record(Fields(zip(map.keys, map.values).map { .init(name: $0.value.keyText, value: $1.shown) }))
        case .optional(let inner?): inner.shown
        case .object(let object):
            .record(
                Fields(((try? object.presentMembers()) ?? []).map { .init(name: $0.name, value: $0.value.shown) }))
        }
    }

    private var keyText: String {
        switch self {
        case .string(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): String(number)
        case .uint(let number): String(number)
        default: ""
        }
    }
}
