import Crypto
import Events

/// All rules of a folder, compiled. Immutable: a new set replaces an old one between two events, never inside one.
package struct RuleSet: Sendable {
    /// By name. Secrets are still references.
    package let destinations: [String: Destination]
    /// 64 hex digits that change with any file of the set.
    package let hash: String
    let rules: [Rule]
    private let index: RuleIndex

    init(rules: [Rule], destinations: [String: Destination], hash: String) {
        self.rules = rules
        self.destinations = destinations
        self.hash = hash
        index = RuleIndex(rules)
    }

    /// A set without rules: nothing is ever delivered.
    package static let empty = RuleSet(rules: [], destinations: [:], hash: contentHash(of: []))

    /// The IDs of all rules, those that are off included, in order.
    package var ruleIDs: [String] { rules.map(\.id) }

    /// Builds every delivery that the rules want of this event. What is rendered here is what is sent, each time.
    ///
    /// - Parameter now: epoch milliseconds; what `now` in a template gives.
    package func route(_ event: Event, now: Int64) -> RoutingResult {
        var result = RoutingResult()
        guard let kind = ChangeKind(event) else { return result }
        for candidate in index.candidates(event.entity, kind) {
            let rule = rules[candidate.rule]
            guard rule.match.concerns(event) else { continue }
            switch candidate.role {
            case .direct: evaluate(rule, event, kind, change: kind.word, now, &result)
            case .gapAsChange(let change): evaluate(rule, event, kind, change: change.word, now, &result)
            case .gapSkipped: result.outcomes.append(RuleOutcome(rule: rule.id, kind: .gapSkipped))
            }
        }
        return result
    }

    private func evaluate(
        _ rule: Rule, _ event: Event, _ kind: ChangeKind, change: String, _ now: Int64, _ result: inout RoutingResult
    ) {
        let isGap = kind.underlying != nil || kind == .overflow
        guard rule.match.holds(event, kind, isGap: isGap) else { return }
        let render = DeliveryRenderer(
            rule: rule, context: EvaluationContext(event: event, change: change, now: now))
        if let needs = rule.needs, let missing = needs.fields.first(where: { isAbsent($0, in: event) }) {
            result.outcomes.append(RuleOutcome(rule: rule.id, kind: .needsMissing))
            if needs.missing == .fail {
                let reason = "the rule needs '\(missing.name)', which the event does not tell"
                result.failures += rule.deliveries.indices.map { render.failure(at: $0, reason, rule.location) }
            }
            return
        }
        result.outcomes.append(RuleOutcome(rule: rule.id, kind: .matched))
        for index in rule.deliveries.indices {
            do throws(RenderFailure) {
                result.deliveries.append(try render.delivery(at: index))
            } catch {
                result.failures.append(render.failure(at: index, error.reason, error.location))
            }
        }
    }

    private func isAbsent(_ field: FieldName, in event: Event) -> Bool {
        Operand.field(field.path, of: event.record) == nil
    }

    /// SHA-256 over the paths and contents of all files.
    static func contentHash(of sources: [RuleSource]) -> String {
        var hash = SHA256()
        for source in sources.sorted(by: { $0.path < $1.path }) {
            hash.update(part: Array(source.path.utf8))
            hash.update(part: source.bytes)
        }
        return Hex.text(hash.finalize())
    }
}
