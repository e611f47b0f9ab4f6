/// Files each disjunct of a partition under the one of its tests that should bring the fewest candidates.
///
/// Under one only: to carry candidates across keys that many rules share is what makes matchers linear in the rules.
struct PartitionBuilder {
    private let literals: [LiteralTable]
    private let operands: TestOperands
    private var estimate: AccessEstimate
    private var lists: [AccessLists]
    private var always: [Posting] = []

    init(fieldCount: Int, literals: [LiteralTable], operands: TestOperands) {
        self.literals = literals
        self.operands = operands
        estimate = AccessEstimate(literals: literals, operands: operands)
        lists = Array(repeating: AccessLists(), count: fieldCount)
    }

    mutating func build(_ disjuncts: [EntityBuilder.Disjunct], _ programs: inout ProgramTable) -> IndexPartition {
        for disjunct in disjuncts { for test in disjunct.tests { estimate.count(test) } }
        for disjunct in disjuncts {
            let best = estimate.best(of: disjunct.tests)
            var remaining = disjunct.tests
            let access = best.map { remaining.remove(at: $0) }
            let posting = programs.posting(disjunct.rule, remaining.sorted { $0.order < $1.order })
            if let access { file(posting, under: access) } else { always.append(posting) }
        }
        return frozen(changeFields(disjuncts))
    }

    private mutating func file(_ posting: Posting, under test: CompiledTest) {
        let field = Int(test.field)
        switch test.operation {
        case .equals: for id in operands.ids(of: test) { lists[field].equalities[id, default: []].append(posting) }
        case .changed: for id in operands.fields(of: test) { lists[id].changed.append(posting) }
        case .cleared: for id in operands.fields(of: test) { lists[id].cleared.append(posting) }
        case .prefix: lists[field].prefixes[operands.prefix(of: test), default: []].append(posting)
        case .range:
            lists[field].ranges.append(
                RangeTable.Entry(range: operands.bounds[Int(test.operand)], posting: posting))
        case .present: lists[field].present.append(posting)
        }
    }

    private func changeFields(_ disjuncts: [EntityBuilder.Disjunct]) -> [Int] {
        var fields: Set<Int> = []
        for test in disjuncts.lazy.flatMap(\.tests) where test.operation == .changed || test.operation == .cleared {
            fields.formUnion(operands.fields(of: test))
        }
        return fields.sorted()
    }

    private func frozen(_ changeFields: [Int]) -> IndexPartition {
        var postings: [Posting] = []
        let always = postings.appendRange(always)
        var access: [IndexPartition.Access] = []
        for (field, list) in lists.enumerated() where list.needsValue {
            var equalities: [UInt32] = []
            if !list.equalities.isEmpty {
                for id in 0...UInt32(literals[field].count) {
                    equalities.append(UInt32(postings.count))
                    postings += list.equalities[id] ?? []
                }
                equalities.append(UInt32(postings.count))
            }
            access.append(
                IndexPartition.Access(
                    field: field, equalities: equalities,
                    prefixes: list.prefixes.isEmpty ? nil : PrefixTrie(list.prefixes),
                    ranges: list.ranges.isEmpty ? nil : RangeTable(list.ranges),
                    present: postings.appendRange(list.present)))
        }
        let changed = lists.contains { !$0.changed.isEmpty } ? lists.map { postings.appendRange($0.changed) } : []
        let cleared = lists.contains { !$0.cleared.isEmpty } ? lists.map { postings.appendRange($0.cleared) } : []
        return IndexPartition(
            postings: postings, always: always, access: access, changed: changed, cleared: cleared,
            changeFields: changeFields)
    }
}

/// The posting lists that hang on one field, while they are gathered.
private struct AccessLists {
    var equalities: [UInt32: [Posting]] = [:]
    var prefixes: [[UInt8]: [Posting]] = [:]
    var ranges: [RangeTable.Entry] = []
    var present: [Posting] = []
    var changed: [Posting] = []
    var cleared: [Posting] = []

    var needsValue: Bool { !equalities.isEmpty || !prefixes.isEmpty || !ranges.isEmpty || !present.isEmpty }
}

extension CompiledTest {
    /// Tests in the order of their cost.
    fileprivate var order: Int {
        switch operation {
        case .changed, .cleared: 0
        case .equals, .present, .range: 1
        case .prefix: 2
        }
    }
}

extension TestOperands {
    func ids(of test: CompiledTest) -> [UInt32] {
        if test.count == 1 { return [test.operand] }
        return Array(numbers[Int(test.operand)..<Int(test.operand + test.count)])
    }

    func fields(of test: CompiledTest) -> [Int] {
        numbers[Int(test.operand)..<Int(test.operand + test.count)].map { Int($0) }
    }

    func prefix(of test: CompiledTest) -> [UInt8] {
        Array(bytes[Int(test.operand)..<Int(test.operand + test.count)])
    }
}
