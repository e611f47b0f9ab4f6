import CEL
import Testing

@Suite struct ErrorPositionTests {
    /// The part of the source an error points at.
    private func marked(_ source: String, _ variables: [String: CELValue] = [:]) -> String? {
        guard let range = failure(source, variables)?.range else { return nil }
        let scalars = Array(source.unicodeScalars)
        return String(String.UnicodeScalarView(scalars[range]))
    }

    @Test func `syntax errors point at the token`() {
        #expect(marked("1 + * 2") == "*")
        #expect(marked("a.b(1, )") == ")")
        #expect(marked("1 +") == "")
        #expect(marked("'ä' + §") == "§")
        #expect(marked("'abc") == "'abc")
        #expect(marked("'a\\qb'") == "\\q")
        #expect(marked("99999999999999999999") == "99999999999999999999")
        #expect(marked("9223372036854775808") == "9223372036854775808")
        #expect(marked("if + 1") == "if")
        #expect(marked("12abc") == "12a")
        #expect(marked("[1, 2].map(x + 1, x)") == "x + 1")
        #expect(marked("has(x)") == "has(x)")
        #expect(marked("[1].exists(a, a, true)") == "a")
        #expect(failure("1\u{0}2")?.message == "the control character 0 has no meaning here")
    }

    @Test func `evaluation errors point at the part that failed`() {
        #expect(marked("1 == 1 && 1 / 0 == 1") == "1 / 0")
        #expect(marked("[1, 2][5] == 1") == "5")
        #expect(marked("{'a': 1}.b") == "b")
        #expect(marked("'x' + 1") == "'x' + 1")
        #expect(marked("'ä'.charAt(7)") == "'ä'.charAt(7)")
        #expect(marked("[1, 0].map(x, 10 / x)") == "10 / x")
        #expect(marked("{'a': 1, 'a': 2}") == "'a'")
        #expect(marked("unheard.of") == "unheard")
        #expect(marked("record.Gone", ["record": .object(Members([:]))]) == "Gone")
        #expect(failure("record.Gone", ["record": .object(Members([:]))])?.message == "'Gone' is absent")
    }

    @Test func `what a literal cannot be is said when compiling`() {
        #expect(marked("'a'.matches('(')") == "'('")
        #expect(failure("Type{a: 1}")?.kind == .unsupported)
        #expect(failure("false && 'a'.matches('(?=x)')")?.kind == .badArgument)
    }

    @Test func `every node has the range of its text`() throws {
        let tree = try CELSyntaxTree(parsing: " a.b[ 'é' ] + f( 1 ,2) ")
        #expect(tree.root.range == 1..<22)
        guard case .binary(.add, let left, let right) = tree.root.kind else {
            Issue.record("not a sum")
            return
        }
        #expect(left.range == 1..<11)
        #expect(right.range == 14..<22)
        guard case .call(let name, nil, _) = right.kind else {
            Issue.record("not a call")
            return
        }
        #expect(name.range == 14..<15)
    }
}
