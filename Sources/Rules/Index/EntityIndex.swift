import Events

/// The rules for one object or platform event (or those for every object), filed by what they ask for.
final class EntityIndex: Sendable {
    /// What tests look at, by local number.
    let fields: [IndexField]
    /// By field: the literals it is compared with.
    let literals: [LiteralTable]
    /// Those that are not of the record.
    let headerFields: [Int]
    /// By local field; nil where it is not of the record.
    private let names: [FieldName?]
    /// By dotted path, the fields of the record.
    private let numbers: [String: Int]
    /// By compound field, its components among them.
    private let components: [String: [Int]]
    /// By lane; nil where no rule takes such events.
    let partitions: [IndexPartition?]
    let programs: [TestProgram]
    let tests: [CompiledTest]
    let operands: TestOperands

    init(
        fields: [IndexField], literals: [LiteralTable], partitions: [IndexPartition?], programs: [TestProgram],
        tests: [CompiledTest], operands: TestOperands
    ) {
        self.fields = fields
        self.literals = literals
        self.partitions = partitions
        self.programs = programs
        self.tests = tests
        self.operands = operands
        var numbers: [String: Int] = [:]
        for (number, field) in fields.enumerated() {
            if case .record(let path) = field { numbers[path] = number }
        }
        self.numbers = numbers
        var components: [String: [Int]] = [:]
        for (path, number) in numbers {
            let parts = path.split(separator: ".")
            if parts.count == 2 { components[String(parts[0]), default: []].append(number) }
        }
        self.components = components
        names = fields.map { field in
            if case .record(let path) = field { FieldName(path) } else { nil }
        }
        headerFields = fields.indices.filter { if case .record = fields[$0] { false } else { true } }
    }
}

/// Fields by name: for records without a shape, and what slots do not reach.
extension EntityIndex {
    func value(_ field: Int, in record: any RecordView) -> Value? { names[field].flatMap { record.field($0.path) } }

    /// As a create has changed it.
    func hasValue(_ field: Int, in record: any RecordView) -> Bool { names[field]?.hasValue(in: record) ?? false }

    /// The local fields that have changed if the header lists `name`: the field itself and the compounds around it.
    func forEachField(changedBy name: String, _ body: (Int) -> Void) {
        if let field = numbers[name] { body(field) }
        for stop in name.indices where name[stop] == "." {
            if let field = numbers[String(name[..<stop])] { body(field) }
        }
    }

    /// The local fields that are empty if the header lists `name` as nulled: the field itself and what is in it.
    func forEachField(clearedBy name: String, _ body: (Int) -> Void) {
        if let field = numbers[name] { body(field) }
        components[name]?.forEach(body)
    }
}

/// The rules for one lane of an entity. Each disjunct of a rule is filed in exactly one place.
final class IndexPartition: Sendable {
    /// What hangs on one field's value. A class, as many of these are: to pass one on counts one reference at most.
    final class Access: Sendable {
        /// Local number of the field.
        let field: Int
        /// By literal number, plus one more for the end: where in `postings` the list of that value begins. Empty without
        /// equalities.
        let equalities: [UInt32]
        let prefixes: PrefixTrie?
        let ranges: RangeTable?
        let present: PostingRange

        init(
            field: Int, equalities: [UInt32], prefixes: PrefixTrie?, ranges: RangeTable?, present: PostingRange
        ) {
            self.field = field
            self.equalities = equalities
            self.prefixes = prefixes
            self.ranges = ranges
            self.present = present
        }
    }

    let postings: [Posting]
    /// Rules that nothing narrows.
    let always: PostingRange
    let access: [Access]
    /// By local field; empty if no rule is filed so.
    let changed: [PostingRange]
    let cleared: [PostingRange]
    /// Fields of the record whose change matters to anybody.
    let changeFields: [Int]

    init(
        postings: [Posting], always: PostingRange, access: [Access], changed: [PostingRange], cleared: [PostingRange],
        changeFields: [Int]
    ) {
        self.postings = postings
        self.always = always
        self.access = access
        self.changed = changed
        self.cleared = cleared
        self.changeFields = changeFields
    }
}

/// The tests of a disjunct besides the one it is filed under.
struct TestProgram: Sendable, Hashable {
    var rule: UInt32
    /// In `tests`.
    var start: UInt32
    var count: UInt32
}

/// A test by numbers.
struct CompiledTest: Sendable, Hashable {
    enum Operation: UInt8, Sendable { case equals, changed, cleared, prefix, range, present }

    var operation: Operation
    /// Local number; of `changed` and `cleared`, see `operand`.
    var field: UInt32
    /// Equals: a literal's number, if `count` is 1. Otherwise where its operands begin.
    var operand: UInt32
    /// Numbers of literals or fields, bytes of a prefix.
    var count: UInt32
}

/// Operands that do not fit into a test.
struct TestOperands: Sendable {
    var numbers: [UInt32] = []
    var bounds: [NumberRange] = []
    var bytes: [UInt8] = []
}
