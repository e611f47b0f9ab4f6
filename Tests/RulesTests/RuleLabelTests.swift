import Events
import Testing

@testable import Rules

@Suite struct RuleLabelTests {
    private func labels(_ pairs: KeyValuePairs<String, String>) -> [RuleLabel] {
        RuleLabel.labels(Fields(pairs.map { .init(name: $0, value: .string($1)) }))
    }

    @Test func `names are what metrics take, and of two that become one the first stands`() {
        let made = labels(["team": "sales", "cost-centre": "47", "cost.centre": "48", "größe": "groß"])
        #expect(made.map(\.name) == ["label_team", "label_cost_centre", "label_gr__e"])
        #expect(made.map(\.value) == ["sales", "47", "groß"])
    }

    @Test func `a rule has a bounded number of them, of bounded length`() {
        let long = String(repeating: "x", count: 1_000)
        let fields = Fields((0..<50).map { .init(name: "n\($0)" + long, value: .string(long)) })
        let made = RuleLabel.labels(fields)
        #expect(made.count == 16 && made.allSatisfy { $0.name.count == 70 && $0.value.count == 200 })
    }

    @Test func `a rule has those of its file's defaults as well`() throws {
        let text = """
            sluice: 1
            defaults: {labels: {team: sales, tier: gold}}
            destinations:
              hook: {kind: webhook, url: "https://hooks.example.com/x"}
            rules:
              - id: won
                labels: {team: delivery}
                match: {entity: Account, change: [create]}
                to: {destination: hook, body: {id: "${recordId}"}}

            """
        let report = Lint.check([RuleSource(path: "r.yaml", bytes: Array(text.utf8))])
        let rules = try #require(report.ruleSet, "\(report.text)")
        #expect(rules.labels(of: "won").map { "\($0.name)=\($0.value)" } == ["label_team=delivery", "label_tier=gold"])
        #expect(rules.labels.keys.sorted() == ["won"] && rules.labels(of: "other").isEmpty)
    }
}
