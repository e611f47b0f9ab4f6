import CEL
import Events
import Synchronization

/// The rules of a set as they are looked up: the index, and what it leaves of each condition.
package final class IndexedRules: Sendable {
    /// What remains to be asked of a candidate.
    struct Residual: Sendable {
        /// Nil: the index has decided `when`.
        var program: CELProgram?
        /// `match` has conditions that the index does not test.
        var needsMatch: Bool

        /// A candidate is a match.
        var isDecided: Bool { program == nil && !needsMatch }

        static let none = Residual(program: nil, needsMatch: false)
    }

    struct Candidate {
        var number: Int
        var role: RuleIndex.Role
        /// Nil: the index says nothing of this rule, all of its condition is still to be asked.
        var residual: Residual?
    }

    package let index: ConditionIndex
    private let rules: [Rule]
    /// By rule number.
    private let residuals: [Residual]
    private let decided: [Bool]
    private let gaps: GapRules
    private let idle = Mutex<IndexMatcher?>(nil)

    /// - Parameter previous: what it compiled for rules that are still the same objects is taken over.
    init(_ rules: [Rule], reusing previous: IndexedRules? = nil) {
        let known = previous.map { Dictionary(zip($0.rules.map(ObjectIdentifier.init), $0.residuals)) { one, _ in one } }
        var residuals: [Residual] = []
        residuals.reserveCapacity(rules.count)
        var indexed: [(rule: IndexedRule, condition: IndexedCondition)] = []
        for (number, rule) in rules.enumerated() {
            guard rule.mode != .off else {
                residuals.append(.none)
                continue
            }
            let entry = IndexedRule(rule, number: number)
            let condition = entry.condition
            residuals.append(known?[ObjectIdentifier(rule)] ?? Self.residual(condition, of: rule))
            indexed.append((entry, condition))
        }
        self.rules = rules
        self.residuals = residuals
        decided = residuals.map(\.isDecided)
        index = ConditionIndex(indexed)
        gaps = GapRules(rules)
    }

    func residual(_ number: Int) -> Residual { residuals[number] }

    /// Whether a candidate is a match without further questions.
    func isDecided(_ number: Int) -> Bool { decided[number] }

    /// The rules that an event has to be shown to, in their order.
    ///
    /// - Parameter facts: once the record of a gap event was read, rules that it does not match are left out.
    func candidates(_ event: Event, _ kind: ChangeKind, _ facts: RoutingFacts) -> [Candidate] {
        guard let lane = IndexLane(event) else { return [] }
        var candidates: [Candidate] = []
        withMatcher { matcher in
            for place in 0..<matcher.match(event, lane) {
                let number = matcher[place]
                let role = kind.underlying == nil ? .direct : RuleIndex.role(of: rules[number], for: kind)
                candidates.append(Candidate(number: number, role: role ?? .direct, residual: residuals[number]))
            }
            guard kind.underlying != nil || kind == .overflow else { return }
            candidates += gapCandidates(event, kind, facts, matcher)
            candidates.sort { $0.number < $1.number }
        }
        return candidates
    }

    /// Rules that take a gap event otherwise than as it is.
    private func gapCandidates(
        _ event: Event, _ kind: ChangeKind, _ facts: RoutingFacts, _ matcher: IndexMatcher
    ) -> [Candidate] {
        var matched: Set<Int>?
        if case .read(let fields)? = facts.record, kind.underlying != nil, kind != .gapDelete {
            var whole = event
            whole.record = KnownFields(fields)
            let count = matcher.match(whole, IndexLane(fetched: kind))
            matched = Set((0..<count).map { matcher[$0] })
        }
        return gaps.numbers(event.entity, kind).compactMap { number in
            guard let role = RuleIndex.role(of: rules[number], for: kind) else { return nil }
            guard case .gapReadBack = role, let matched else { return Candidate(number: number, role: role) }
            return matched.contains(number)
                ? Candidate(number: number, role: role, residual: residuals[number]) : nil
        }
    }

    /// Nobody waits for the matcher: who comes while another has it makes a new one.
    private func withMatcher(_ body: (IndexMatcher) -> Void) {
        let matcher =
            idle.withLock { idle in
                defer { idle = nil }
                return idle
            } ?? IndexMatcher(index)
        body(matcher)
        idle.withLock { $0 = matcher }
    }

    private static func residual(_ condition: IndexedCondition, of rule: Rule) -> Residual {
        guard let when = rule.when, !condition.residual.isEmpty else {
            return Residual(program: nil, needsMatch: condition.needsMatch)
        }
        // Nothing was decided: the program that is there already serves.
        if !condition.isNarrowed { return Residual(program: when.program, needsMatch: condition.needsMatch) }
        // What compiled as a whole compiles in parts.
        let environment = RuleNames.environment(costLimit: when.place.costLimit)
        let program = try? CELProgram(conjunction: condition.residual, in: environment)
        return Residual(program: program ?? when.program, needsMatch: condition.needsMatch)
    }
}

extension IndexedRule {
    init(_ rule: Rule, number: Int) {
        self.number = number
        match = rule.match
        when = rule.when?.tree?.root
        gaps =
            switch rule.onGap {
            case .deliver: .deliver
            case .fetch: .fetch
            case .skip: .skip
            }
        if let needs = rule.needs, needs.missing != .skip { deferred = needs.fields.map(\.name) }
        for (name, value) in (try? rule.vars.members()) ?? [] { constants.values["vars.\(name)"] = value }
    }

    var condition: IndexedCondition {
        IndexedCondition(match, when: when, deferred: deferred, constants: constants)
    }
}

/// The rules of each object that read gap events back or leave them out, counted.
private struct GapRules {
    private var entities: [String: [ChangeKind: [Int]]] = [:]
    private var any: [ChangeKind: [Int]] = [:]

    init(_ rules: [Rule]) {
        for (number, rule) in rules.enumerated() where rule.mode != .off && !rule.match.isPlatform {
            for kind in Self.kinds where isReadBackOrSkipped(rule, kind) {
                switch rule.match.subject {
                case .anyEntity: any[kind, default: []].append(number)
                case .entities(let names), .events(let names):
                    for name in Set(names) { entities[name, default: [:]][kind, default: []].append(number) }
                }
            }
        }
    }

    private static let kinds = ChangeKind.gaps.union([.overflow])

    private func isReadBackOrSkipped(_ rule: Rule, _ kind: ChangeKind) -> Bool {
        switch RuleIndex.role(of: rule, for: kind) {
        case .gapReadBack, .gapSkipped: true
        case .direct, .gapAsChange, nil: false
        }
    }

    func numbers(_ entity: String, _ kind: ChangeKind) -> [Int] {
        (entities[entity]?[kind] ?? []) + (any[kind] ?? [])
    }
}
