/// Gathers the disjuncts of one entity's rules and compiles them.
struct EntityBuilder {
    /// A disjunct in numbers.
    struct Disjunct {
        var rule: UInt32
        var tests: [CompiledTest]
    }

    private var fieldNumbers: [IndexField: Int] = [:]
    private var fields: [IndexField] = []
    private var literalNumbers: [[IndexLiteral: UInt32]] = []
    private var literals: [[IndexLiteral]] = []
    private(set) var operands = TestOperands()
    /// By lane.
    private var lanes = [[Disjunct]](repeating: [], count: IndexLane.count)

    mutating func add(_ condition: IndexedCondition, rule: Int, lanes numbers: [IndexLane]) {
        for tests in condition.disjuncts {
            let disjunct = Disjunct(rule: UInt32(rule), tests: tests.map { compile($0) })
            for lane in numbers where Self.isPossible(tests, in: lane) { lanes[lane.number].append(disjunct) }
        }
    }

    /// Where nothing counts as changed, who asks for a change asks in vain.
    private static func isPossible(_ tests: [IndexTest], in lane: IndexLane) -> Bool {
        tests.allSatisfy { test in
            switch test {
            case .changed(let fields): !fields.isEmpty && lane.reading != .nothing
            case .cleared(let fields): !fields.isEmpty && lane.reading == .update
            default: true
            }
        }
    }

    mutating func build() -> EntityIndex {
        let tables = literals.map(LiteralTable.init)
        var programs = ProgramTable()
        var partitions: [IndexPartition?] = []
        for disjuncts in lanes {
            guard !disjuncts.isEmpty else {
                partitions.append(nil)
                continue
            }
            var builder = PartitionBuilder(fieldCount: fields.count, literals: tables, operands: operands)
            partitions.append(builder.build(disjuncts, &programs))
        }
        return EntityIndex(
            fields: fields, literals: tables, partitions: partitions, programs: programs.programs,
            tests: programs.tests, operands: operands)
    }

    // MARK: Numbers

    private mutating func compile(_ test: IndexTest) -> CompiledTest {
        switch test {
        case .equals(let field, let values):
            let number = number(of: field)
            var ids: [UInt32] = []
            for value in values { ids.append(literal(value, of: number)) }
            return CompiledTest(
                operation: .equals, field: UInt32(number), operand: ids.count == 1 ? ids[0] : append(ids),
                count: UInt32(ids.count))
        case .changed(let paths): return fieldList(.changed, paths)
        case .cleared(let paths): return fieldList(.cleared, paths)
        case .prefix(let field, let bytes):
            operands.bytes += bytes
            return CompiledTest(
                operation: .prefix, field: UInt32(number(of: field)),
                operand: UInt32(operands.bytes.count - bytes.count), count: UInt32(bytes.count))
        case .range(let field, let range):
            operands.bounds.append(range)
            return CompiledTest(
                operation: .range, field: UInt32(number(of: field)), operand: UInt32(operands.bounds.count - 1),
                count: 1)
        case .present(let field):
            return CompiledTest(operation: .present, field: UInt32(number(of: field)), operand: 0, count: 0)
        }
    }

    private mutating func fieldList(_ operation: CompiledTest.Operation, _ paths: [String]) -> CompiledTest {
        var numbers: [UInt32] = []
        for path in paths {
            let number = UInt32(number(of: .record(path)))
            if !numbers.contains(number) { numbers.append(number) }
        }
        return CompiledTest(operation: operation, field: 0, operand: append(numbers), count: UInt32(numbers.count))
    }

    private mutating func append(_ numbers: [UInt32]) -> UInt32 {
        operands.numbers += numbers
        return UInt32(operands.numbers.count - numbers.count)
    }

    private mutating func number(of field: IndexField) -> Int {
        if let number = fieldNumbers[field] { return number }
        fieldNumbers[field] = fields.count
        fields.append(field)
        literalNumbers.append([:])
        literals.append([])
        return fields.count - 1
    }

    private mutating func literal(_ literal: IndexLiteral, of field: Int) -> UInt32 {
        if let number = literalNumbers[field][literal] { return number }
        literals[field].append(literal)
        let number = UInt32(literals[field].count)
        literalNumbers[field][literal] = number
        return number
    }
}

/// Programs and their tests, each distinct sequence of tests once per rule.
struct ProgramTable {
    private(set) var programs: [TestProgram] = []
    private(set) var tests: [CompiledTest] = []
    private var known: [TestProgramKey: Int] = [:]

    private struct TestProgramKey: Hashable {
        var rule: UInt32
        var tests: [CompiledTest]
    }

    /// A posting for a rule with these tests still to be made.
    mutating func posting(_ rule: UInt32, _ remaining: [CompiledTest]) -> Posting {
        guard !remaining.isEmpty else { return Posting(rule: rule) }
        let key = TestProgramKey(rule: rule, tests: remaining)
        if let program = known[key] { return Posting(program: program) }
        known[key] = programs.count
        programs.append(TestProgram(rule: rule, start: UInt32(tests.count), count: UInt32(remaining.count)))
        tests += remaining
        return Posting(program: programs.count - 1)
    }
}
