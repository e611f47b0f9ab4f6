import CEL
import Events

/// Tries one expression, against an event or against bindings, the way a rule would evaluate it.
package struct ExpressionTrial: Sendable {
    package struct Result: Sendable {
        /// As JSON; NaN and the infinities as text, what is absent left out. Nil when it is absent itself.
        package var value: Value?
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
        let value: CELValue
        do throws(CELError) { value = try program.evaluate(frame) } catch { throw Failure(error) }
        do throws(CELJSON.Failure) {
            return Result(value: try ShownValue.of(value), type: value.kindName, cost: frame.cost)
        } catch {
            throw Failure(code: "not-shown", message: "the value cannot be shown: \(error.words)")
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
}
