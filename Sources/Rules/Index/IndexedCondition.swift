import CEL

/// One rule as the index takes it: what it can decide by itself, and what is left.
struct IndexedCondition {
    /// Of a rule. Beyond, an `||` stays whole, and so does a longer `in`.
    static let maximumDisjuncts = 16

    /// The rule can be true only if all tests of one of these hold. Empty: it never can.
    private(set) var disjuncts: [[IndexTest]] = [[]]
    /// What the tests do not decide, cheapest first.
    private(set) var residual: [CELExpression] = []
    /// Whether the tests decide some part of `when`, so that the residual is less than it.
    private(set) var isNarrowed = false
    /// Whether the conditions of `match` beyond subject and change need a look as well.
    let needsMatch: Bool

    /// - Parameters:
    ///   - deferred: fields that a fetch may fill in, or whose lack is reported: `needs` unless it says `skip`.
    init(_ match: MatchBlock, when: CELExpression?, deferred: [String], constants: IndexConstants) {
        let form = match.indexForm
        needsMatch = !form.isExact
        let reader = IndexFormReader(constants: constants, deferred: deferred)
        var common = form.tests
        for conjunct in when.map(Self.conjuncts) ?? [] {
            if case .or(let operands) = conjunct.kind, let branches = Self.branches(operands, reader),
                disjuncts.count * branches.count <= Self.maximumDisjuncts
            {
                disjuncts = disjuncts.flatMap { tests in branches.map { tests + $0.tests } }
                if !branches.allSatisfy(\.isExact) { residual.append(conjunct) }
            } else if let form = reader.form(conjunct) {
                common += form.tests
                if !form.isExact { residual.append(conjunct) }
            } else {
                residual.append(conjunct)
            }
        }
        isNarrowed = residual.count < (when.map(Self.conjuncts) ?? []).count
        disjuncts = disjuncts.compactMap { Self.simplified(common + $0) }
        residual = residual.enumerated().sorted { (Self.cost($0.1), $0.0) < (Self.cost($1.1), $1.0) }.map(\.1)
    }

    /// The sides of the outermost `&&`.
    private static func conjuncts(_ expression: CELExpression) -> [CELExpression] {
        if case .and(let operands) = expression.kind { return operands.flatMap(conjuncts) }
        return [expression]
    }

    /// - Returns: nil if the tests of some side would be none: then splitting narrows nothing.
    private static func branches(_ operands: [CELExpression], _ reader: IndexFormReader) -> [IndexForm]? {
        var branches: [IndexForm] = []
        for operand in operands {
            var branch = IndexForm(tests: [], isExact: true)
            for conjunct in conjuncts(operand) {
                let form = reader.form(conjunct)
                branch.tests += form?.tests ?? []
                branch.isExact = branch.isExact && form?.isExact == true
            }
            guard !branch.tests.isEmpty else { return nil }
            branches.append(branch)
        }
        return branches
    }

    /// One test per field and kind, where they can be joined.
    ///
    /// - Returns: nil when they contradict each other.
    private static func simplified(_ tests: [IndexTest]) -> [IndexTest]? {
        var result: [IndexTest] = []
        for test in tests {
            switch test {
            case .range(let field, let range):
                let index = result.firstIndex { if case .range(field, _) = $0 { true } else { false } }
                guard let index, case .range(_, let other) = result[index] else {
                    if range.isEmpty { return nil }
                    result.append(test)
                    continue
                }
                let both = range.intersection(other)
                if both.isEmpty { return nil }
                result[index] = .range(field, both)
            case .equals(let field, let literals):
                let index = result.firstIndex { if case .equals(field, _) = $0 { true } else { false } }
                guard let index, case .equals(_, let others) = result[index] else {
                    result.append(test)
                    continue
                }
                let both = literals.filter(others.contains)
                if both.isEmpty { return nil }
                result[index] = .equals(field, both)
            case .changed([]), .cleared([]): return nil
            default: if !result.contains(test) { result.append(test) }
            }
        }
        return result
    }

    /// A guess: what walks lists or texts costs more than what reads a field.
    private static func cost(_ expression: CELExpression) -> Int {
        let own =
            switch expression.kind {
            case .macro: 50
            case .call(let name, _, _): name.text == "matches" ? 20 : 3
            default: 1
            }
        return expression.children.reduce(own) { $0 + cost($1) }
    }
}

extension MatchBlock {
    /// Everything but subject and change.
    fileprivate var indexForm: IndexForm {
        var tests: [IndexTest] = []
        var isExact = ignoredClients.isEmpty && ignoredUsers.isEmpty
        if let changed {
            if let any = changed.any { tests.append(.changed(any.map(\.name))) }
            for field in changed.all ?? [] { tests.append(.changed([field.name])) }
            isExact = isExact && changed.none == nil && changed.only == nil
        }
        if !cleared.isEmpty { tests.append(.cleared(cleared.map(\.name))) }
        if !orgs.isEmpty { tests.append(.equals(.orgAlias, orgs.map { .text(Array($0.utf8)) })) }
        if !topics.isEmpty, topics.allSatisfy({ !$0.isPrefix }) {
            tests.append(.equals(.topic, topics.map { .text(Array($0.text.utf8)) }))
        } else if !topics.isEmpty {
            isExact = false
        }
        return IndexForm(tests: tests, isExact: isExact)
    }
}
