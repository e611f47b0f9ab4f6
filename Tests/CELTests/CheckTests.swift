import CEL
import Testing

@Suite struct CheckTests {
    private func check(_ source: String) throws -> CELCheck {
        var environment = CELEnvironment(variables: [
            .init("record", .object("Opportunity")), .init("d"), .init("n", .nullable(.int)),
        ])
        environment.memberType = { _, name in ["Amount": .nullable(.double), "Name": .nullable(.string)][name] }
        return CELCheck(try CELSyntaxTree(parsing: source), in: environment)
    }

    @Test(arguments: [
        ("record.Amuont > 1.0", "at 7: Opportunity has no 'Amuont'"),
        ("record.Amount * 2 > 1.0", "at 0: '*' does not take (double or null, int)"),
        ("nothing == 1", "at 0: 'nothing' is not declared"),
        ("record.Name.startWith('a')", "at 12: there is no function 'startWith'"),
        ("record.Name && true", "at 0: a condition is a bool, this is string or null"),
        ("1.map(x, x)", "at 0: int has no elements to walk over"),
        ("'a'.b", "at 4: string has no members, so no 'b'"),
        ("[1]['a']", "at 4: a list's index is an int, this is string"),
        ("math.greatest(1, 'a')", "at 0: 'math.greatest' does not take (int, string)"),
        ("'a' in 'abc'", "at 0: 'in' does not take (string, string)"),
    ])
    func `what must fail is reported once, in its place`(source: String, message: String) throws {
        #expect(try check(source).issues.map(\.description) == [message])
    }

    @Test(arguments: [
        "record.Amount >= 10 && record.Amount < 5u", "record.Name == 1", "d.anything[0].else > 5 + d", "n + 1 == 2",
        "record.?Amount.orValue(0.0) > 1.0", "[1, 'a'].exists(x, x == 'a')", "record.Name in ['a', 'b']",
        "{1: 2}[1u] == 2", "true ? 'a' : 1", "record.exists(k, k == 'Name')", "n == null ? 1 : n", "-n < 4",
    ])
    func `what may succeed is not reported`(source: String) throws {
        #expect(try check(source).issues.map(\.description) == [])
    }

    @Test(arguments: [
        ("record.Amount", "double or null"), ("[1, 2u]", "list(dyn)"), ("record.?Name", "optional(string or null)"),
        ("[1].transformMap(i, v, 'a')", "map(int, string)"), ("d.a", "dyn"), ("n + 1", "int"),
        ("optional.of(1).optMap(x, string(x))", "optional(string)"), ("cel.bind(x, 1u, x)", "uint"),
    ])
    func `types are deduced`(source: String, type: String) throws {
        #expect(try check(source).type.description == type)
    }
}
