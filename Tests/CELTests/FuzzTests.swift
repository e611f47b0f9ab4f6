import CEL
import Testing

/// Random sources end in a value or an error, soon.
@Suite struct FuzzTests {
    /// SplitMix64: the same seed gives the same run everywhere.
    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    private static let words = [
        "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "+", "-", "*", "/", "%", "!", "<", "<=", ">", "==", "!=",
        "&&",
        "||", "in", "true", "false", "null", "1", "0", "9223372036854775807", "2u", "1.5", "1e308", "'a'", "\"é\"",
        "b'x'",
        "r'\\'", "x", "record", "Name", "size", "map", "filter", "all", "exists", "has", "cel.bind", "optMap",
        "optional.of",
        "optional.none", "matches", "substring", "format", "timestamp", "duration", "'1h'", "'2026-01-01T00:00:00Z'",
        "int",
        "string", "math.greatest", "math.bitShiftLeft", "sort", "slice", "split", "join", "replace", "`a-b`", "//",
        "\n",
        "'%.3f'", "getHours", "'Europe/Berlin'", "\\", "'", "\u{0}", "§",
    ]

    private static let seeds = [
        "[1, 2, 3].map(x, x * 2).filter(y, y > 2).exists(z, z == 4)", "record.?Name.orValue('none').startsWith('A')",
        "cel.bind(x, {'a': [1, 2]}, x.a[0] + size(x.a)) == 3 ? 'yes' : 'no'",
        "'%s: %.2f %x'.format(['a', 1.5, 255])", "timestamp('2026-01-01T00:00:00Z').getHours('Europe/Berlin') == 1",
        "duration('1h30m') + duration('15s') > duration('-5s')", "'abc'.substring(1, 2).matches('[a-z]+')",
        "{'a': 1, ?'b': optional.of(2)}.transformMap(k, v, v + 1)", "[9, 1, 5].sort().slice(0, 2).distinct()",
        "math.greatest(1, 2u, 3.5) > -9223372036854775808 || 5 % 0 == 1",
        "'a,b,c'.split(',', 2).join('-').replace('a', 'b')",
    ]

    private func run(_ source: String) {
        let variables: [String: CELValue] = [
            "x": .list([.int(1), .string("a"), .null]), "record": .object(Members(["Name": .string("Acme")])),
        ]
        guard let tree = try? CELSyntaxTree(parsing: source) else { return }
        _ = CELCheck(tree, in: CELEnvironment(variables: [.init("x"), .init("record")]))
        _ = try? evaluate(source, variables)
    }

    @Test func `random tokens`() {
        var random = Random(state: UInt64.random(in: 0 ... .max))
        print("CEL fuzz, tokens: seed \(random.state)")
        for _ in 0..<4_000 {
            let count = Int.random(in: 1...25, using: &random)
            run((0..<count).map { _ in Self.words.randomElement(using: &random) ?? "" }.joined(separator: " "))
        }
    }

    @Test func `mutated expressions`() {
        var random = Random(state: UInt64.random(in: 0 ... .max))
        print("CEL fuzz, mutations: seed \(random.state)")
        let seeds = Self.seeds + ConformanceTests.expressions
        for _ in 0..<6_000 {
            var scalars = Array((seeds.randomElement(using: &random) ?? "").unicodeScalars.map(Character.init))
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&scalars, &random) }
            run(String(scalars))
        }
    }

    private func mutate(_ scalars: inout [Character], _ random: inout Random) {
        guard !scalars.isEmpty else { return }
        let place = Int.random(in: 0..<scalars.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: scalars.remove(at: place)
        case 1: scalars.insert(contentsOf: Self.words.randomElement(using: &random) ?? "", at: place)
        case 2: scalars.swapAt(place, Int.random(in: 0..<scalars.count, using: &random))
        default:
            let end = min(place + Int.random(in: 1...12, using: &random), scalars.count)
            scalars.insert(contentsOf: scalars[place..<end], at: place)
        }
    }
}
