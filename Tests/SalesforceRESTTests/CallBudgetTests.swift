import Testing

@testable import SalesforceREST

@Suite struct CallBudgetTests {
    @Test func `usage is read from the header`() {
        #expect(APIUsage(header: "api-usage=9223372036854775807/5000") == nil, "it would overflow what is added to it")
        #expect(APIUsage(header: "api-usage=1/9223372036854775807") == nil)
        #expect(APIUsage(header: "api-usage=18/5000") == APIUsage(used: 18, maximum: 5000))
        #expect(
            APIUsage(header: "api-usage=25/5000; per-app-api-usage=17/250(appName=sample)")
                == APIUsage(used: 25, maximum: 5000))
        #expect(APIUsage(header: "per-app-api-usage=17/250") == nil)
    }

    @Test func `one call at a time until the first answer tells how much is left`() {
        var budget = CallBudget(share: 1, concurrency: 3)
        #expect(budget.start(at: .zero) == .go)
        #expect(budget.start(at: .zero) == .queue)
        budget.finished(APIUsage(used: 1, maximum: 15_000), answered: true)
        #expect((0..<4).map { _ in budget.start(at: .zero) } == [.go, .go, .go, .queue])
    }

    @Test func `calls under way count as used, and late answers do not give room`() {
        var budget = CallBudget(share: 0.5, concurrency: 10)
        _ = budget.start(at: .zero)
        budget.finished(APIUsage(used: 42, maximum: 100), answered: true)
        #expect((0..<4).map { _ in budget.start(at: .zero) } == [.go, .go, .go, .queue])
        budget.finished(APIUsage(used: 45, maximum: 100), answered: true)
        budget.finished(APIUsage(used: 44, maximum: 100), answered: true)
        #expect(budget.start(at: .zero) == .queue)
        budget.finished(APIUsage(used: 43, maximum: 100), answered: true)
        #expect(budget.usage == APIUsage(used: 43, maximum: 100))
    }

    @Test func `at the share, one call each quarter of an hour asks whether there is room again`() {
        var budget = CallBudget(share: 0.5, concurrency: 10)
        _ = budget.start(at: .zero)
        budget.finished(APIUsage(used: 45, maximum: 100), answered: true)
        #expect(budget.start(at: .zero) == .wait(.seconds(900)))
        #expect(budget.start(at: .seconds(300)) == .wait(.seconds(600)))
        #expect(budget.start(at: .seconds(900)) == .go)
        budget.finished(APIUsage(used: 46, maximum: 100), answered: true)
        #expect(budget.start(at: .seconds(901)) == .wait(.seconds(899)))
        #expect(budget.start(at: .seconds(1800)) == .go)
        budget.finished(APIUsage(used: 10, maximum: 100), answered: true)
        #expect(budget.start(at: .seconds(1801)) == .go)
    }

    @Test func `a hold is longer each time in a row`() {
        var budget = CallBudget(share: 1, concurrency: 1)
        budget.hold(for: .seconds(300), at: .zero)
        #expect(budget.start(at: .seconds(299)) == .wait(.seconds(1)))
        #expect(budget.start(at: .seconds(300)) == .go)
        budget.finished(nil, answered: true)
        budget.hold(for: .seconds(300), at: .seconds(300))
        #expect(budget.start(at: .seconds(301)) == .wait(.seconds(599)))
    }
}
