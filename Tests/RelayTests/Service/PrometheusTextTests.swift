import Testing

@testable import Relay

@Suite struct PrometheusTextTests {
    @Test func `labels are escaped, whole numbers have no fraction`() {
        var page = PrometheusText()
        page.metric("a_total", .counter, "Help.")
        page.sample("a_total", ["rule": "a\"b\\c\nd", "x": "y"], 3)
        page.sample("a_total", [:], 0.25)
        #expect(
            page.text == """
                # HELP a_total Help.
                # TYPE a_total counter
                a_total{rule="a\\"b\\\\c\\nd",x="y"} 3
                a_total 0.25

                """)
    }

    @Test func `beyond a limit rules are counted together, none is lost`() {
        let rules = (1...5).map { number in
            StatusReport.Rule(
                id: "r\(number)", outcomes: ["matched": number], failures: 1, delivered: number, failedAttempts: 0,
                replayed: 2, deadLetters: 0, ageMilliseconds: 10)
        }
        let bounded = MetricsPage.bounded(rules, limit: 3)
        #expect(bounded.map(\.id) == ["r1", "r2", "r3", "other"])
        #expect(bounded.last?.outcomes == ["matched": 9] && bounded.last?.failures == 2)
        #expect(bounded.last?.delivered == 9 && bounded.last?.ageMilliseconds == 20)
        #expect(bounded.last?.replayed == 4)
        #expect(MetricsPage.bounded(rules, limit: 5).map(\.id) == rules.map(\.id))
    }
}
