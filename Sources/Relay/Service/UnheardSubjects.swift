import Events
import Rules

/// Objects and platform events that rules wait for, and that no topic brings.
package enum UnheardSubjects {
    /// - Parameters:
    ///   - topics: that are subscribed to.
    ///   - carried: what channels are known to carry, by topic.
    /// - Returns: one sentence each.
    package static func sentences(
        _ rules: RuleSet, topics: [String], carried: [String: [String]] = [:]
    ) -> [(name: String, text: String)] {
        rules.subjects.compactMap { name, rules in
            let isHeard = topics.contains { topic in
                EntityTopic.mayBring(name, topic) && carried[topic]?.contains(name) ?? true
            }
            guard !isHeard else { return nil }
            let which = rules.count == 1 ? "rule \(rules[0]) waits" : "rules \(rules.joined(separator: ", ")) wait"
            return (name, "no topic brings \(name), for which \(which)")
        }
    }

    package static let advice =
        "Correct the name in the rule, add its topic to sluice.yaml, or select the object for the channel in Salesforce."
}
