import Events

/// Holds the data of a delivery against a flow's contract, as a rule's `conform` says. FlowMate itself accepts anything
/// with 200, so what does not fit is found here or never.
package struct ContractCheck: Sendable, Equatable {
    package enum Mode: String, Sendable, CaseIterable {
        /// What does not fit is not sent.
        case strict
        /// It is sent, and told.
        case warn
        case off
    }

    package enum ExtraKeys: String, Sendable, CaseIterable { case drop, pass }

    package struct Result: Sendable, Equatable {
        /// What to send: without the keys that the contract does not know, where they are dropped.
        package var data: Value
        /// The delivery must not be sent.
        package var violations: [ContractViolation] = []
        package var warnings: [ContractViolation] = []
        package var dropped: [String] = []
    }

    /// Beyond these, a JavaScript number is not exact.
    static let exactIntegers: ClosedRange<Int64> = -9_007_199_254_740_991...9_007_199_254_740_991

    package var mode: Mode
    package var extraKeys: ExtraKeys
    /// Parameters that may be null.
    package var nullable: Set<String>
    /// Parameters that may be missing.
    package var optional: Set<String>

    package init(
        mode: Mode = .strict, extraKeys: ExtraKeys = .drop, nullable: Set<String> = [], optional: Set<String> = []
    ) {
        self.mode = mode
        self.extraKeys = extraKeys
        self.nullable = nullable
        self.optional = optional
    }

    /// - Parameters:
    ///   - data: what stands in `{"data": …}`.
    ///   - contract: nil when the flow declares none, or it could not be found.
    package func check(_ data: Value, against contract: FlowContract?) -> Result {
        guard mode != .off else { return Result(data: data) }
        guard let contract else { return judged(Result(data: data), [ContractViolation("", .noContract)], []) }
        guard case .record(let fields) = data else {
            return judged(Result(data: data), [ContractViolation("", .notAnObject(JSONType(data).rawValue))], [])
        }
        var problems: [ContractViolation] = []
        var doubts: [ContractViolation] = []
        for parameter in contract.inputs {
            switch problem(fields[parameter.name], parameter) {
            case nil: break
            case .unknownType(let type)?: doubts.append(ContractViolation(parameter.name, .unknownType(type)))
            case .inexact?: doubts.append(ContractViolation(parameter.name, .inexact))
            case let problem?: problems.append(ContractViolation(parameter.name, problem))
            }
        }
        return judged(tidied(fields, contract), problems, doubts)
    }

    private func problem(_ value: Value?, _ parameter: FlowContract.Parameter) -> ContractViolation.Problem? {
        guard let value else { return optional.contains(parameter.name) ? nil : .missing }
        if value == .null { return nullable.contains(parameter.name) ? nil : .null }
        let wanted = parameter.type.lowercased()
        guard ["string", "number", "boolean"].contains(wanted) else { return .unknownType(parameter.type) }
        let found = JSONType(value).rawValue
        guard found == wanted else { return .wrongType(wanted: wanted, found: found) }
        if case .int(let number) = value, !Self.exactIntegers.contains(number) { return .inexact }
        return nil
    }

    private func tidied(_ fields: Fields, _ contract: FlowContract) -> Result {
        guard extraKeys == .drop else { return Result(data: .record(fields)) }
        let known = Set(contract.inputs.map(\.name))
        let kept = fields.fields.filter { known.contains($0.name) }
        let dropped = fields.fields.map(\.name).filter { !known.contains($0) }
        return Result(data: .record(Fields(kept)), dropped: dropped)
    }

    private func judged(_ result: Result, _ problems: [ContractViolation], _ doubts: [ContractViolation]) -> Result {
        var result = result
        result.violations = mode == .strict ? problems : []
        result.warnings = (mode == .strict ? [] : problems) + doubts
        return result
    }
}
