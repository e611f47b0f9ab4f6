import CEL
import Testing

@testable import Rules

/// What the index takes from a condition, and what it leaves.
@Suite struct IndexFormTests {
    private func condition(_ when: String, deferred: [String] = []) throws -> IndexedCondition {
        let tree = try CELSyntaxTree(parsing: when)
        let match = MatchBlock(subject: .entities(["Account"]), changes: [.update])
        let constants = IndexConstants(values: ["vars.limit": .double(10)])
        return IndexedCondition(match, when: tree.root, deferred: deferred, constants: constants)
    }

    private func tests(_ when: String) throws -> [IndexTest] { try #require(try condition(when).disjuncts.first) }

    private func text(_ text: String) -> IndexLiteral { .text(Array(text.utf8)) }

    @Test func `equality in all its forms`() throws {
        let name = IndexField.record("Name")
        for when in [
            "record.Name == 'a'", "'a' == record.Name", "record.Name in ['a']", "record.?Name.orDefault('b') == 'a'",
        ] {
            #expect(try tests(when) == [.equals(name, [text("a")])], "\(when)")
            #expect(try condition(when).residual.isEmpty, "\(when)")
        }
        #expect(try tests("record.N in [1, 1u, 1.0, 2]") == [.equals(.record("N"), [.number(1), .number(2)])])
        #expect(try tests("record.A.B == null") == [.equals(.record("A.B"), [.null])])
        #expect(try condition("record.A.B == null").residual.count == 1)
        #expect(try tests("changedTo('Name', 'a')") == [.equals(name, [text("a")]), .changed(["Name"])])
        #expect(try tests("record.Flag") == [.equals(.record("Flag"), [.bool(true)])])
    }

    @Test func `what an absent field would make true is left alone`() throws {
        for when in [
            "record.?Name.orDefault('a') == 'a'", "record.?N.orDefault(5) > 1",
            "record.?Name.orDefault('ab').startsWith('a')",
            "!(record.Name == 'a')", "record.Name != 'a'", "has(record.Name) ? record.Name == 'a' : true",
            "record.Name == record.Other", "record.Name.matches('a|^b')", "record.`a.b` == 1",
        ] {
            #expect(try condition(when).disjuncts == [[]], "\(when)")
            #expect(try condition(when).residual.count == 1, "\(when)")
        }
    }

    @Test func `bounds of one field become one range`() throws {
        var range = try #require(NumberRange(.greaterOrEqual, 1))
        range.high = (10.0).nextDown
        #expect(try tests("record.N >= 1 && vars.limit > record.N") == [.range(.record("N"), range)])
        #expect(try condition("record.N > 5 && record.N < 3").disjuncts.isEmpty)
        #expect(try condition("record.T == 'a' && record.T in ['b', 'c']").disjuncts.isEmpty)
        let large = try condition("record.N > 9007199254740992")
        let limit = try #require(NumberRange(.greaterOrEqual, NumberRange.exactLimit))
        #expect(large.residual.count == 1 && large.disjuncts == [[.range(.record("N"), limit)]])
    }

    @Test func `alternatives become disjuncts, sixteen at most`() throws {
        let two = try condition("(record.A == 1 || record.B == 2) && record.C == 3")
        #expect(two.disjuncts.count == 2 && two.residual.isEmpty)
        #expect(two.disjuncts[1] == [.equals(.record("C"), [.number(3)]), .equals(.record("B"), [.number(2)])])
        let open = try condition("record.A == 1 || size(record.B) > 2")
        #expect(open.disjuncts == [[]] && open.residual.count == 1)
        let pair = "(record.A == 1 || record.B == 2)"
        let many = try condition(Array(repeating: pair, count: 5).joined(separator: " && "))
        #expect(many.disjuncts.count <= IndexedCondition.maximumDisjuncts && many.residual.count == 1)
    }

    @Test func `fields that may still be fetched decide nothing`() throws {
        let condition = try condition(
            "changedTo('Stage', 'Won') && record.Amount >= 5.0 && record.Billing.City == 'Ghent'",
            deferred: ["Amount", "Billing"])
        #expect(condition.disjuncts == [[.equals(.record("Stage"), [text("Won")]), .changed(["Stage"])]])
        #expect(condition.residual.count == 2)
    }

    @Test(arguments: [
        ("^abc", "abc"), ("^ab?c", "a"), ("^a.c", "a"), ("abc", ""), ("^a|b", ""), ("^(?i)a", ""), ("^é*", ""),
        ("^ab{2}", "a"), ("^ab+", "ab"), ("^a\\.b", "a"),
    ])
    func `a pattern's literal beginning`(pattern: String, prefix: String) {
        #expect(PatternPrefix.literal(of: pattern) == Array(prefix.utf8))
    }

    @Test func `the cheapest part of what is left comes first`() throws {
        let condition = try condition(
            "['a'].exists(x, x == record.T) && record.T.matches('b') && record.A != 'x' && record.B == 'y'")
        #expect(condition.residual.count == 3)
        guard case .binary(.notEqual, _, _) = condition.residual[0].kind else {
            Issue.record("not the comparison")
            return
        }
    }
}
