/// How many candidates filing a disjunct under a test would bring: the length of the list it would join, times how often
/// that list should be read.
struct AccessEstimate {
    private let literals: [LiteralTable]
    private let operands: TestOperands

    /// Disjuncts that could join each list.
    private var equalities: [FieldAndNumber: Int] = [:]
    private var prefixes: [FieldAndBytes: Int] = [:]
    private var changed: [Int: Int] = [:]
    private var cleared: [Int: Int] = [:]
    private var present: [Int: Int] = [:]
    private var ranges: [Int: Domain] = [:]

    private struct FieldAndNumber: Hashable {
        var field: UInt32
        var number: UInt32
    }

    private struct FieldAndBytes: Hashable {
        var field: UInt32
        var bytes: [UInt8]
    }

    /// The numbers between the finite bounds that rules name: nothing else is known of a field's values.
    private struct Domain {
        var count = 0
        var low = Double.infinity
        var high = -Double.infinity

        mutating func add(_ range: NumberRange) {
            count += 1
            for bound in [range.low, range.high] where bound.isFinite {
                low = min(low, bound)
                high = max(high, bound)
            }
        }

        /// The share of the domain that a range covers.
        func width(of range: NumberRange) -> Double {
            guard high > low else { return 0.5 }
            return min(1, max(0.000_1, (min(range.high, high) - max(range.low, low)) / (high - low)))
        }
    }

    private enum Prior {
        static let cleared = 0.03
        static let prefix = 0.05
        static let changed = 0.1
        static let present = 0.3
    }

    init(literals: [LiteralTable], operands: TestOperands) {
        self.literals = literals
        self.operands = operands
    }

    mutating func count(_ test: CompiledTest) {
        switch test.operation {
        case .equals:
            for id in operands.ids(of: test) {
                equalities[FieldAndNumber(field: test.field, number: id), default: 0] += 1
            }
        case .changed: for field in operands.fields(of: test) { changed[field, default: 0] += 1 }
        case .cleared: for field in operands.fields(of: test) { cleared[field, default: 0] += 1 }
        case .prefix:
            prefixes[FieldAndBytes(field: test.field, bytes: operands.prefix(of: test)), default: 0] += 1
        case .range: ranges[Int(test.field), default: Domain()].add(operands.bounds[Int(test.operand)])
        case .present: present[Int(test.field), default: 0] += 1
        }
    }

    /// - Returns: the place of the best test; nil for a disjunct without tests.
    func best(of tests: [CompiledTest]) -> Int? {
        tests.indices.min { candidates(tests[$0]) < candidates(tests[$1]) }
    }

    private func candidates(_ test: CompiledTest) -> Double {
        let field = Int(test.field)
        switch test.operation {
        case .equals:
            // One more than rules name: most values are none of theirs.
            let prior = 1 / Double(literals[field].count + 1)
            return operands.ids(of: test).reduce(0) {
                $0 + prior * Double(equalities[FieldAndNumber(field: test.field, number: $1)] ?? 0)
            }
        case .changed: return sum(test, changed) * Prior.changed
        case .cleared: return sum(test, cleared) * Prior.cleared
        case .prefix:
            let key = FieldAndBytes(field: test.field, bytes: operands.prefix(of: test))
            return Double(prefixes[key] ?? 0) * Prior.prefix
        case .range:
            guard let domain = ranges[field] else { return .infinity }
            let width = domain.width(of: operands.bounds[Int(test.operand)])
            // The list at a point holds the ranges around it.
            return Double(domain.count) * width * width
        case .present: return Double(present[field] ?? 0) * Prior.present
        }
    }

    private func sum(_ test: CompiledTest, _ counts: [Int: Int]) -> Double {
        operands.fields(of: test).reduce(0) { $0 + Double(counts[$1] ?? 0) }
    }
}
