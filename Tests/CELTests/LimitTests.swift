import CEL
import Testing

@Suite struct LimitTests {
    @Test func `length, nodes, depth and nesting are bounded`() {
        #expect(failure("'" + String(repeating: "x", count: 4_095) + "'")?.kind == .limit)
        #expect(failure("[" + String(repeating: "1,", count: 1_001) + "1]")?.kind == .limit)
        let nested = "[1].map(a, [1].map(b, [1].map(c, [1].map(d, d))))"
        #expect(failure(nested)?.kind == .limit)
        #expect(failure("[1].map(a, [1].map(b, [1].map(c, c))).map(d, d)") == nil)
    }

    @Test(arguments: ["(", "[", "-", "!", "{1:", "a[", "f(", "true ? 1 : ", "1 + ", "a.", "[1].map(x, "])
    func `depth is bounded also where the other limits are off`(opening: String) {
        var options = CELSyntaxOptions()
        options.limits = .unbounded
        for count in [10, 249, 1_000, 100_000] {
            let source = String(repeating: opening, count: count) + "1"
            _ = try? CELSyntaxTree(parsing: source, options: options)
        }
        let source = String(repeating: opening, count: 100_000)
        #expect(throws: CELError.self) { try CELSyntaxTree(parsing: source, options: options) }
    }

    @Test func `200 parentheses are read and evaluated`() throws {
        let source = String(repeating: "(", count: 200) + "7" + String(repeating: ")", count: 200)
        #expect(try evaluate(source).equals(.int(7)))
        let sums = String(repeating: "1 + ", count: 200) + "1"
        #expect(try evaluate(sums).equals(.int(201)))
    }

    @Test func `work is counted and stopped`() throws {
        let (program, frame) = try prepare("a + a", ["a": .int(1)])
        _ = try program.evaluate(frame)
        #expect(frame.cost == 3)
        _ = try program.evaluate(frame)
        #expect(frame.cost == 3)
        #expect(throws: CELError.self) { try evaluate("a + a", ["a": .int(1)], costLimit: 2) }
    }

    @Test(arguments: [
        "l.map(a, l.map(b, l.map(c, a + b + c)))",
        "l.all(a, l.all(b, l.exists(c, c == 7 || a == b)))",
        "cel.bind(a, s + s, cel.bind(b, a + a, cel.bind(c, b + b, c + c + c)))",
        "cel.bind(a, l + l, cel.bind(b, a + a, cel.bind(c, b + b + b + b, c + c + c + c + c + c + c + c)))",
        "s.replace('', s)", "'%s%s%s%s'.format([s, s, s, [s, s, s, s, s]])", "l.map(x, s).join(s)",
        "s.matches('(a|b|c|d|e|f|g|h)+(a|b|c|d|e|f|g|h)+(a|b|c|d)+x')",
    ])
    func `expensive expressions end in a fault that nothing absorbs`(source: String) throws {
        let variables: [String: CELValue] = [
            "l": .list((0..<300).map { .int($0) }), "s": .string(String(repeating: "a", count: 10_000)),
        ]
        #expect(failure(source, variables)?.kind == .costLimit)
        #expect(failure("(\(source)) == 1 || true", variables)?.kind == .costLimit)
    }

    @Test(arguments: [
        "int(s)", "uint(s)", "double(s)", "timestamp(s)", "duration(s)", "b == c", "b < c", "[b, c].sort()", "[s, 1].sort()",
        "{s: 1}", "m[s]", "m[?s]", "s in m", "o[s]", "s in o", "[s].distinct()", "t.getHours(s)",
        "[1].transformMap(i, x, 1)[s]", "m.transformMap(k, v, v)", "n == m",
    ])
    func `long text is paid for wherever it is read, and what fails as well`(source: String) throws {
        let text = String(repeating: "0", count: 20_000) + "x"
        let bytes = CELValue.bytes(Array(text.utf8))
        let (program, frame) = try prepare(
            source,
            [
                "s": .string(text), "b": bytes, "c": bytes, "t": .timestamp(CELTimestamp(seconds: 0)!),
                "m": .map(CELMap([(.string(text), .int(1))])), "n": .map(CELMap([(.string(text), .int(2))])),
                "o": .object(Members(["a": .int(1)])),
            ], costLimit: .max)
        _ = try? program.evaluate(frame)
        #expect(frame.cost >= 2_000)
    }

    @Test func `computed patterns, unknown zones and lists of host objects have their price`() throws {
        let many = CELValue.list(Array(repeating: .int(1), count: 1_000))
        let variables: [String: CELValue] = [
            "o": .object(Members(["l": many])), "p": .string("(" + String(repeating: "a", count: 200)),
            "t": .timestamp(CELTimestamp(seconds: 0)!),
        ]
        for (source, least) in [("o.l[0]", 100), ("'a'.matches(p)", 201), ("t.getHours('No/' + 'Where')", 100)] {
            let (program, frame) = try prepare(source, variables)
            _ = try? program.evaluate(frame)
            #expect(frame.cost >= least, "\(source)")
        }
    }

    @Test func `comparing values that share parts is counted too`() {
        var shared = "0 == 1"
        for level in (0..<30).reversed() {
            let inner = level == 29 ? "x29 == y29" : shared
            let previous =
                level == 0 ? ("[1]", "[1]") : ("[x\(level - 1), x\(level - 1)]", "[y\(level - 1), y\(level - 1)]")
            shared = "cel.bind(x\(level), \(previous.0), cel.bind(y\(level), \(previous.1), \(inner)))"
        }
        #expect(failure(shared)?.kind == .costLimit)
    }

    @Test func `patterns are bounded and linear`() {
        #expect(failure("'a'.matches('\(String(repeating: "a", count: 513))')")?.kind == .badArgument)
        #expect(failure("'a'.matches('(a{1000}){1000}')")?.kind == .badArgument)
        #expect(failure("'a'.matches('a{1001}')")?.kind == .badArgument)
        #expect(holds("!s.matches('^(a+)+$')", ["s": .string(String(repeating: "a", count: 2_000) + "b")]))
        #expect(holds("s.matches(p) && !s.matches('^' + p)", ["s": .string("xab"), "p": .string("a[b-c]")]))
    }
}
