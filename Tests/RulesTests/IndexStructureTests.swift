import Events
import Testing

@testable import Rules

@Suite struct IndexStructureTests {
    @Test(arguments: [1, 50, 2_000])
    func `ranges are found as by looking at each`(width: Int) {
        var numbers = SeededNumbers(seed: UInt64(width))
        var entries: [RangeTable.Entry] = []
        for number in 0..<500 {
            var range = NumberRange(.greaterOrEqual, Double(Int.random(in: 0..<2_000, using: &numbers)))!
            range.high = range.low + Double(Int.random(in: 0...width, using: &numbers))
            if number % 50 == 0 { range.low = -.infinity }
            if number % 70 == 0 { range.high = .infinity }
            entries.append(RangeTable.Entry(range: range, posting: Posting(rule: UInt32(number))))
        }
        // Narrow ranges stay in elementary intervals, wide ones become a tree.
        let table = RangeTable(entries)
        for number in stride(from: -1.0, through: 4_001, by: 0.5) + [-.infinity, .infinity] {
            var found: [UInt32] = []
            table.forEach(containing: number) { found.append($0.rule) }
            let expected = entries.filter { $0.range.contains(number) }.map(\.posting.rule)
            #expect(found.sorted() == expected, "\(number)")
        }
        table.forEach(containing: .nan) { _ in Issue.record("NaN lies in no range") }
    }

    @Test func `prefixes are found in one walk`() {
        let trie = PrefixTrie([
            Array("a".utf8): [Posting(rule: 1)], Array("abc".utf8): [Posting(rule: 2), Posting(rule: 3)],
            Array("b".utf8): [Posting(rule: 4)], Array("é".utf8): [Posting(rule: 5)],
        ])
        func found(_ text: String) -> [UInt32] {
            var rules: [UInt32] = []
            Array(text.utf8).withUnsafeBytes { bytes in trie.forEach(prefixOf: bytes) { rules.append($0.rule) } }
            return rules
        }
        #expect(found("abcd") == [1, 2, 3] && found("ab") == [1] && found("") == [] && found("c") == [])
        #expect(found("été") == [5] && found("b") == [4])
    }

    @Test func `literals of all kinds are told apart`() {
        let table = LiteralTable([.null, .bool(true), .number(1), .text(Array("1".utf8)), .text([]), .number(0)])
        func number(_ value: Value) -> UInt32 { FieldCell.withCell(of: value) { table.number(of: $0) } }
        #expect(number(.null) == 1 && number(.bool(true)) == 2 && number(.bool(false)) == 0)
        #expect(number(.int(1)) == 3 && number(.double(1)) == 3 && number(.string("1")) == 4)
        #expect(number(.string("")) == 5 && number(.double(-0.0)) == 6 && number(.timestamp(1)) == 0)
        #expect(number(.string("2")) == 0 && number(.double(.nan)) == 0)
    }

    @Test func `rule numbers come out sorted and once`() {
        let bits = RuleBits(count: 10_000)
        let output = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: 10_000)
        defer { output.deallocate() }
        for _ in 0..<2 {
            for number in [9_999, 0, 63, 64, 4_096, 63, 0] { bits.insert(number) }
            let count = bits.drain(into: output)
            #expect(Array(output[..<count]) == [0, 63, 64, 4_096, 9_999])
        }
        #expect(bits.drain(into: output) == 0)
    }

    @Test func `a rule is filed under what should be met most seldom`() throws {
        // Each of these rules shares the option with all others and has an owner of its own.
        let rules = (0..<200).map { number in
            """
            - id: r\(number)
              match: {entity: Account, change: update}
              when: record.Stage == 'Open' && record.OwnerId == 'u\(number)'
              to: {destination: hook, body: {}}
            """
        }
        let matcher = IndexMatcher(try Fixture.ruleSet(rules.joined(separator: "\n")).lookup.index)
        let event = Fixture.change(.update, ["Stage": "Open", "OwnerId": "u7"])
        #expect(matcher.match(event, IndexLane(.update)) == 1 && matcher[0] == 7)
        #expect(matcher.candidateCount == 1)
    }

    @Test func `an edited file is checked as the whole set would be`() throws {
        func file(_ path: String, _ rules: String) -> RuleSource {
            RuleSource(path: path, bytes: Array("sluice: 1\nrules:\n\(rules)\n".utf8))
        }
        func rule(_ id: String, _ when: String, _ destination: String = "hook") -> String {
            "- {id: \(id), match: {entity: Account, change: update}, when: \"\(when)\", "
                + "to: {destination: \(destination), body: {r: \(id)}}}"
        }
        let base = RuleSource(
            path: "a.yaml",
            bytes: Array("sluice: 1\ndestinations: {hook: {kind: webhook, url: 'https://h.example.com'}}\n".utf8))
        let cache = LintCache()
        let first = file("b.yaml", rule("one", "record.Name == 'x'"))
        let edits = [
            rule("two", "record.Name == 'y'"), rule("two", "record.Name == 'z'"), rule("one", "record.Name == 'z'"),
            rule("two", "record.Name =="), rule("three", "record.Name == 'x'"),
            rule("three", "record.Phone == 'x'", "nowhere"),
            rule("three", "changed('LastModifiedDate')"), rule("four", "record.Name == 'w'"),
        ]
        var kept: RuleSet?
        for edit in edits {
            let sources = [base, first, file("c.yaml", edit)]
            let report = cache.check(sources)
            let whole = Lint.check(sources)
            #expect(report.text == whole.text && report.fileCount == whole.fileCount)
            #expect(report.ruleSet?.ruleIDs == whole.ruleSet?.ruleIDs && report.ruleSet?.hash == whole.ruleSet?.hash)
            guard let set = report.ruleSet else { continue }
            if edit == edits[1], let kept { #expect(kept.rules[0] === set.rules[0], "it was read again") }
            kept = set
        }
        let without = cache.check([base, first])
        #expect(without.text == Lint.check([base, first]).text && without.ruleSet?.ruleIDs == ["one"])
    }
}
