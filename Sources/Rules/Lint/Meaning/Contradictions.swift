import CEL
import Documents

/// Conditions that can never be true: parts of one `&&` that exclude each other, and constants.
struct Contradictions {
    /// What one value has been required to be so far.
    fileprivate struct Demand {
        var allowed: [CELValue]?
        var excluded: [CELValue] = []
        var lower: (bound: Double, isStrict: Bool)?
        var upper: (bound: Double, isStrict: Bool)?
    }

    /// Values that a name can have at all, by its dotted name: the kinds of change of the rule, for example.
    var possible: [String: [String]] = [:]

    /// At most one per conjunct, or per alternative of one. Recursion is bounded by the tree's depth.
    func diagnoses(in root: CELExpression) -> [Diagnosis] {
        var demands: [String: Demand] = [:]
        var found: [Diagnosis] = []
        for part in root.conjuncts {
            if let diagnosis = constant(part) ?? impossible(part) ?? clash(part, &demands) {
                found.append(diagnosis)
            } else if case .or(let alternatives) = part.kind {
                let each = alternatives.map { diagnoses(in: $0) }
                // One that can hold is enough.
                if each.allSatisfy({ !$0.isEmpty }) { found += each.flatMap { $0 } }
            }
        }
        return found
    }

    // MARK: Constants

    private func constant(_ part: CELExpression) -> Diagnosis? {
        guard part.isFixed, let program = try? CELProgram(part, in: FixedParts.environment) else { return nil }
        switch program.condition(CELFrame(for: FixedParts.environment)) {
        case .isTrue: return nil
        case .isFalse: return Diagnosis(.neverTrue, at: part.range, "this is always false, so the rule never matches")
        // The estimate of what it costs says that.
        case .fault(let error) where error.kind == .costLimit: return nil
        case .unknown(let error), .fault(let error):
            return Diagnosis(
                .neverTrue, at: part.range, "this always fails (\(error.message)), so the rule never matches",
                hint: FixedParts.hint(part))
        }
    }

    // MARK: What a name can be

    private func impossible(_ part: CELExpression) -> Diagnosis? {
        guard let comparison = LiteralComparison(part), comparison.relation == .equal, let name = comparison.key,
            let values = possible[name], let first = comparison.literals.first
        else { return nil }
        let texts = comparison.literals.compactMap { if case .string(let text) = $0.value { text } else { nil } }
        guard texts.count == comparison.literals.count, !texts.contains(where: values.contains) else { return nil }
        let meant = Suggestion.nearest(to: texts[0], in: values)
        return Diagnosis(
            .neverTrue, at: first.range, "'\(name)' is never '\(texts[0].shortened)' in this rule",
            hint: meant.map { "did you mean '\($0)'?" } ?? "here it is \(Self.list(values))")
    }

    private static func list(_ values: [String]) -> String {
        values.map { "'\($0)'" }.joined(separator: " or ").shortened
    }

    // MARK: Clashes

    private func clash(_ part: CELExpression, _ demands: inout [String: Demand]) -> Diagnosis? {
        guard let comparison = LiteralComparison(part), let key = comparison.key else { return nil }
        if comparison.literals.isEmpty {
            return Diagnosis(.neverTrue, at: part.range, "nothing is in an empty list, so this never matches")
        }
        var demand = demands[key] ?? Demand()
        let before = demand
        demand.add(comparison)
        demands[key] = demand
        guard demand.isImpossible, !before.isImpossible else { return nil }
        return Diagnosis(
            .neverTrue, at: part.range, "'\(key)' cannot be all that is asked of it, so this never matches",
            hint: comparison.relation == .equal ? "join alternatives with ||, or write in [...]" : nil)
    }
}

extension Contradictions.Demand {
    fileprivate mutating func add(_ comparison: LiteralComparison) {
        let values = comparison.literals.map(\.value)
        switch comparison.relation {
        case .equal: allowed = allowed.map { old in old.filter { one in values.contains { $0.equals(one) } } } ?? values
        case .notEqual: excluded += values
        default: if let bound = values.first.flatMap(Self.number) { add(bound, comparison.relation) }
        }
    }

    private mutating func add(_ bound: Double, _ relation: LiteralComparison.Relation) {
        let isStrict = relation == .less || relation == .greater
        switch relation {
        case .less, .lessOrEqual:
            if bound < upper?.bound ?? .infinity || (bound == upper?.bound && isStrict) { upper = (bound, isStrict) }
        default:
            if bound > lower?.bound ?? -.infinity || (bound == lower?.bound && isStrict) { lower = (bound, isStrict) }
        }
    }

    fileprivate var isImpossible: Bool {
        if let lower, let upper {
            if lower.bound > upper.bound { return true }
            if lower.bound == upper.bound, lower.isStrict || upper.isStrict { return true }
        }
        guard let allowed else { return false }
        return !allowed.contains { value in
            !excluded.contains { $0.equals(value) } && Self.number(value).map(isInside) ?? true
        }
    }

    private func isInside(_ number: Double) -> Bool {
        if let lower, number < lower.bound || (lower.isStrict && number == lower.bound) { return false }
        if let upper, number > upper.bound || (upper.isStrict && number == upper.bound) { return false }
        return true
    }

    private static func number(_ value: CELValue) -> Double? {
        switch value {
        case .int(let number): Double(number)
        case .uint(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }
}
