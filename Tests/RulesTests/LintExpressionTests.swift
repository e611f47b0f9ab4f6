import CEL
import Documents
import Testing

@testable import Rules

/// Single expressions as a rule's `when`, judged by lint.
@Suite struct LintExpressionTests {
    private static let head = """
        sluice: 1
        destinations: {hook: {kind: webhook, url: 'https://x.example'}}
        rules:
          - id: one
            match: {entity: Account, change: CHANGE}
            to: {destination: hook, body: 1}
            when: |

        """

    /// `column message` of what is found in the one line of the condition, counted from its first character.
    private func found(_ expression: String, change: String = "create") -> [String] {
        let text = Self.head.replacing("CHANGE", with: change) + "      " + expression + "\n"
        let report = Lint.check([RuleSource(path: "a.yaml", bytes: Array(text.utf8))])
        return report.findings.map { "\($0.location.position.column - 6) \($0.code.rawValue)" }
    }

    @Test(arguments: [
        ("record.A ==", "10 syntax"), ("record.A && ", "10 syntax"), ("(record.A == 1", "1 syntax"),
        ("record.A == [1, 2", "13 syntax"), ("record.A == 'a", "13 syntax"), ("record. == 1", "9 syntax"),
        ("if (true)", "1 syntax"), ("record.A == 1 record.B", "15 syntax"), ("Type{a: 1} == 1", "1 syntax"),
        ("${record.A} == 1", "1 nested-template"), ("record.A = 1", "10 single-equals"),
        ("record.A == 1 or record.B == 2", "15 word-operator"), ("recrod.A == 1", "1 unknown-name"),
        ("StageName == 'x'", "1 unknown-name"), ("True == has(record.A)", "1 unknown-name"),
        ("event.tme == event.time", "7 unknown-name"), ("vars.x == 1", "6 unknown-name"),
        ("let.x == 1", "5 unknown-name"), ("record.A.startsWith(1)", "21 wrong-argument"),
        ("event.entity.startsWith('a', 'b')", "1 wrong-argument"), ("'a' - 'b' == 'c'", "1 wrong-argument"),
        ("size(record.A, 1) == 1", "1 wrong-argument"), ("flow.id == 'x'", "1 not-available"),
        ("1.5 * 2 == 3.0", "1 number-types"), ("event.entity", "1 not-boolean"),
        ("known(record.A)", "7 literal-needed"),
        ("record.A ? 1", "13 syntax"), ("(record.A) * 2 == 1 ? 1 : 2", "1 not-boolean"),
        ("record.A == 1 && && record.B == 2", "18 syntax"), ("&& record.A == 1", "1 syntax"),
        ("record.A == = 1", "13 syntax"), ("= 1", "1 syntax"),
        ("record.A.matches('(')", "18 regex"), ("record.A.matches('(?=a)')", "18 regex-unsupported"),
    ])
    func `one mistake is one finding in its place`(expression: String, expected: String) {
        #expect(found(expression) == [expected])
    }

    @Test(arguments: [
        ("record.A > duration('1d')", "12 wrong-argument"), ("event.time > timestamp('2026-01-01')", "14 wrong-argument"),
        ("event.time.date('Nowhere') == 'x'", "17 wrong-argument"),
        ("event.time.getHours('Nowhere') == 1", "21 wrong-argument"),
        ("'%d'.format(['x']) == record.A", "1 wrong-argument"), ("[record.A].exists(x, x > 1 / 0)", "26 wrong-argument"),
        ("duration('1d') > duration('1h')", "1 never-true"), ("'a'.startsWith('b')", "1 never-true"),
        ("[1, 2].all(x, x < 2) && record.A == 1", "1 never-true"), ("sf.id18('x') == record.A", "1 wrong-argument"),
    ])
    func `what no event changes is tried when the file is read`(expression: String, expected: String) {
        #expect(found(expression) == [expected])
    }

    @Test(arguments: [
        "true || 1 / 0 == 1", "record.A == 1 || (false && 1 / 0 == 1)", "event.time.date('+02:00') == 'x'",
        "record.?A.orDefault(duration('36h')) > duration('1h')", "json([1, 2.5]) == record.A",
        "[1].all(x, [x].exists(y, y == 1))", "math.greatest([1, 2]) == record.A",
        "record.A == 1 // = and or not ${", "record.A == 'a = b and c'", "has(record.A) && record.A.B == 1",
        "record.Or == 'and'", "record['not'] == 1", "!has(record.A)", "[1, 2].exists(x, x == record.A)",
        "record.A.matches('^[(?=]+$')", "record.A.matches(r'\\d+\\.\\d')", "record.?A.orValue(null) == null",
        "record.Id == '123456789012345'.substring(1)", "record.Text == 'incomprehensibl'", "event.change == 'create'",
        "record.A > 5 && record.A < 7", "record.A != 1 && record.A != 2", "record.A in [1, 2] && record.A in [2, 3]",
        "record.A == 1 || record.A == 2", "sf.id18(record.A) == record.B", "record.A == record.B", "true",
        "event.time > timestamp('2026-01-01T00:00:00Z')", "org.sandbox || record.A == 1.0",
    ])
    func `what comes close to a mistake is none`(expression: String) {
        #expect(found(expression) == [])
    }

    @Test(arguments: [
        ("changed('A') && record.A == 1", [String]()), ("record.A == 1 && changedTo('A', 1)", []),
        ("has(record.A) && record.A == 1", []), ("known('A') ? record.A == 1 : false", []),
        ("!has(record.A) || record.A == 1", []), ("record.?A.orDefault(1) == 1", []),
        ("changed('A', 'B') && record.A == 1", ["22 absent-field"]),
        ("record.A == 1 && record.A != 2", ["1 absent-field"]),
        ("has(record.A) || record.A == 1", ["18 absent-field"]), ("has(record.A.B)", ["5 absent-field"]),
        ("!(has(record.A) && record.B == 1)", ["20 absent-field"]),
        ("record.A.B == 1 && known('A')", ["1 absent-field"]),
        ("record.A == 1 && has(record.A.B)", ["22 absent-field"]),
    ])
    func `fields are certain where the condition asks for them`(expression: String, expected: [String]) {
        #expect(found(expression, change: "update") == expected.map { $0 })
    }

    @Test func `hostile conditions are answered at once`() {
        let nested = String(repeating: "(", count: 2_000) + "1" + String(repeating: ")", count: 2_000)
        #expect(found(nested).map { $0.split(separator: " ").last } == ["too-deep"])
        #expect(
            found(String(repeating: "!", count: 4_000) + "true").map { $0.split(separator: " ").last } == ["too-deep"])
        #expect(found(String(repeating: "x", count: 5_000)) == ["1 too-long"])
        #expect(found(String(repeating: "a = ", count: 30) + "1").count == 21)
        let conditional =
            String(repeating: "(true ? true : ", count: 60) + "record.A" + String(repeating: ")", count: 60)
        #expect(found(conditional + " == 1", change: "update") == ["901 absent-field"])
        let tests =
            String(repeating: "((", count: 30) + "record.A == 1"
            + String(repeating: " ? true : false) == true)", count: 30)
        #expect(found(tests, change: "update").count == 1)
        let comprehension = "[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))"
        #expect(found(comprehension) == ["1 too-deep"])
    }

    @Test func `the cost of a comprehension is that of its body for each element`() throws {
        func cost(_ text: String, batch: Int = 1_000) throws -> (Int, Bool) {
            let estimate = CostEstimate(try CELSyntaxTree(parsing: text).root, batchLimit: batch)
            return (estimate.cost, estimate.isCertain)
        }
        #expect(try cost("a.b == 1") == (3, true))
        #expect(try cost("[1, 2, 3].all(x, x > 1)") == (10 + 3 * 3, true))
        #expect(try cost("batch.events.exists(x, true)", batch: 20) == (2 + 20, true))
        #expect(try cost("a.list.exists(x, x)") == (2 + 100 * 2, false))
        let deep = try cost("record.all(a, record.all(b, record.all(c, true)))")
        #expect(deep.0 > 1_000_000_000 && deep.1)
    }
}
