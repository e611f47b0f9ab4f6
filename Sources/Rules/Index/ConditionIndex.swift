import Events

/// Finds the rules that an event may match without looking at each: entity and kind of change lead to a partition, in it
/// every rule is filed under the one condition that should be met most seldom.
///
/// Immutable. A rule that is not found is not true for the event: it may be false, unknown or a fault. A rule that is
/// found has met all conditions that the index can test; its residual is for the caller to evaluate.
package final class ConditionIndex: Sendable {
    /// Rule numbers are below.
    package let ruleCount: Int
    /// By object or platform event.
    private let entities: [String: EntityIndex]
    /// Rules for every object; looked at for each change event.
    let anyEntity: EntityIndex?
    /// Of the entity with the most.
    let maximumFields: Int

    /// - Parameter rules: those that are switched on, each with what the index takes from its condition.
    init(_ rules: [(rule: IndexedRule, condition: IndexedCondition)]) {
        var builders: [String: EntityBuilder] = [:]
        var any = EntityBuilder()
        var hasAny = false
        for (rule, condition) in rules {
            switch rule.match.subject {
            case .anyEntity:
                any.add(condition, rule: rule.number, lanes: rule.lanes)
                hasAny = true
            case .entities(let names), .events(let names):
                for name in Set(names) {
                    builders[name, default: EntityBuilder()].add(condition, rule: rule.number, lanes: rule.lanes)
                }
            }
        }
        let entities = builders.mapValues { builder in
            var builder = builder
            return builder.build()
        }
        let anyEntity = hasAny ? any.build() : nil
        self.entities = entities
        self.anyEntity = anyEntity
        ruleCount = (rules.map(\.rule.number).max() ?? -1) + 1
        maximumFields = max(entities.values.map(\.fields.count).max() ?? 0, anyEntity?.fields.count ?? 0)
    }

    func entity(_ name: String) -> EntityIndex? { entities[name] }
}
