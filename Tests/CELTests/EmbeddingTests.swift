import CEL
import Testing

@Suite struct EmbeddingTests {
    private final class Event {
        let changed: Set<String> = ["StageName"]
    }

    /// A function whose first argument must be literal, as rules about changed fields need it.
    private static let changed = CELFunction(
        "changed", [.variadic(.string, returns: .bool)],
        specialization: { literals throws(CELError) in
            var names: [String] = []
            for literal in literals {
                guard case .string(let name)? = literal else {
                    throw CELError(.badArgument, "field names are literals")
                }
                names.append(name)
            }
            return .general { [names] _, frame in
                guard let event = frame.context as? Event else { return nil }
                return .bool(names.contains { event.changed.contains($0) })
            }
        }, .general { _, _ in nil })

    @Test func `functions may be variadic, specialised and see the frame's context`() throws {
        let (program, frame) = try prepare("changed('Amount', 'StageName')", functions: [Self.changed])
        frame.context = Event()
        #expect(try program.evaluate(frame).equals(.bool(true)))
        #expect(throws: CELError.self) { try prepare("changed('a' + 'b')", functions: [Self.changed]) }
    }

    @Test func `qualified functions and receivers`() throws {
        let id18 = CELFunction(
            "sf.id18", [.global(.string, returns: .string)],
            .unary { value, _ in if case .string(let id) = value { .string(id + "IAC") } else { nil } })
        #expect(try evaluate("sf.id18('001')", functions: [id18]).equals(.string("001IAC")))
        #expect(failure("sf.id18('001')")?.kind == .undeclared)
        let date = CELFunction(
            "date", [.receiver(.timestamp, .string, returns: .int)],
            .binary { time, zone, _ throws(CELError) in
                guard case .timestamp(let time) = time, case .string(let zone) = zone else { return nil }
                return .int(Int64(try time.date(in: zone).day))
            })
        let source = "timestamp('2026-11-22T23:30:00Z').date('Europe/Berlin')"
        #expect(try evaluate(source, functions: [date]).equals(.int(23)))
    }

    @Test func `members are found by the numbers the embedder gives them`() throws {
        final class Row: CELObject {
            let typeName = "row"
            func member(_ name: CELName) throws(CELError) -> CELValue? { name.id >= 0 ? .int(Int64(name.id)) : nil }
        }
        var environment = CELEnvironment(variables: [.init("row")])
        environment.memberID = { $0 == "b" ? 7 : -1 }
        let program = try CELProgram(CELSyntaxTree(parsing: "row.b == 7 && !has(row.c)"), in: environment)
        let frame = CELFrame(for: environment)
        frame[0] = .object(Row())
        guard case .isTrue = program.condition(frame) else {
            Issue.record("not found")
            return
        }
    }

    @Test func `parts of a tree are programs of their own`() throws {
        let environment = CELEnvironment(variables: [.init("a")])
        let tree = try CELSyntaxTree(parsing: "a > 1 && (a < 9 && a != 5)")
        guard case .and(let clauses) = tree.root.kind else {
            Issue.record("not a conjunction")
            return
        }
        #expect(clauses.count == 3)
        let frame = CELFrame(for: environment)
        frame[0] = .int(5)
        let outcomes = try clauses.map { try CELProgram($0, in: environment).evaluate(frame).equals(.bool(true)) }
        #expect(outcomes == [true, true, false])
        let rest = try CELProgram(conjunction: Array(clauses.prefix(2)), in: environment)
        #expect(try rest.evaluate(frame).equals(.bool(true)))
        #expect(try CELProgram(conjunction: [], in: environment).evaluate(frame).equals(.bool(true)))
    }

    @Test func `the end of an embedded expression is found by tokens`() throws {
        let text = Array("a ${ {'}': \"}\"}['}'] + r'\\}' } b".unicodeScalars)
        let end = try CELSyntaxTree.endOfEmbedded(in: text, from: 4)
        #expect(text[end] == "}" && end == text.count - 3)
        #expect(throws: CELError.self) { try CELSyntaxTree.endOfEmbedded(in: Array("{ 1".unicodeScalars), from: 0) }
    }

    @Test func `reserved words may be freed`() throws {
        var options = CELSyntaxOptions()
        options.freedWords = ["let"]
        _ = try CELSyntaxTree(parsing: "let.x", options: options)
        #expect(throws: CELError.self) { try CELSyntaxTree(parsing: "let.x") }
    }
}
