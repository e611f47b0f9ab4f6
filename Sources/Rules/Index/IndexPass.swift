import Events

/// One event in one partition: where tests find their fields.
struct Pass {
    let part: EntityIndex
    let partition: IndexPartition
    let slots: SlotBinding?
    let lane: IndexLane
    let record: any RecordView

    /// Whether a test holds. Fields are read when a test first asks for them.
    @inline(__always)
    func holds(_ test: CompiledTest, _ fields: FieldStates) -> Bool {
        let field = Int(test.field)
        switch test.operation {
        case .equals:
            load(field, fields)
            let literal = fields[field].literal
            if test.count == 1 { return literal == test.operand }
            return literal != LiteralTable.other && operands(of: test) { $0 == literal }
        case .range:
            load(field, fields)
            return part.operands.bounds[Int(test.operand)].contains(fields[field].number)
        case .present:
            load(field, fields)
            return fields[field].isPresent
        case .changed: return operands(of: test) { fields.isChanged(Int($0)) }
        case .cleared: return operands(of: test) { fields.isCleared(Int($0)) }
        case .prefix: return hasPrefix(test)
        }
    }

    /// Notes what a field's value is.
    @inline(__always)
    func fill(_ fields: FieldStates, _ field: Int, _ cell: FieldCell) {
        let number: Double =
            switch cell {
            case .int(let number): Double(number)
            case .double(let number): number
            default: .nan
            }
        fields.set(field, literal: part.literals[field].number(of: cell), number: number)
    }

    @inline(__always)
    private func operands(of test: CompiledTest, _ body: (UInt32) -> Bool) -> Bool {
        for index in Int(test.operand)..<Int(test.operand + test.count) where body(part.operands.numbers[index]) {
            return true
        }
        return false
    }

    @inline(__always)
    private func load(_ field: Int, _ fields: FieldStates) {
        guard !fields.isRead(field) else { return }
        fields.setAbsent(field)
        withCell(of: field) { fill(fields, field, $0) }
    }

    private func withCell(of field: Int, _ body: (FieldCell) -> Void) {
        switch slots?.places[field] {
        case .slot(let slot):
            withUnsafePointer(to: slot) { pointer in
                record.forEachPresent(UnsafeBufferPointer(start: pointer, count: 1)) { body($1) }
            }
        case .nowhere: break
        case .byPath, nil:
            if let value = part.value(field, in: record) { FieldCell.withCell(of: value, body) }
        }
    }

    private func hasPrefix(_ test: CompiledTest) -> Bool {
        var holds = false
        let start = Int(test.operand)
        let count = Int(test.count)
        withCell(of: Int(test.field)) { cell in
            guard case .text(let text) = cell, text.count >= count else { return }
            holds = (0..<count).allSatisfy { text[$0] == part.operands.bytes[start + $0] }
        }
        return holds
    }
}

/// What is known of an entity's fields in the event at hand. What was known of the one before needs no clearing.
///
/// Belongs to one matcher, which one thread uses at a time.
final class FieldStates {
    struct State {
        fileprivate var readIn: UInt32 = 0
        fileprivate var changedIn: UInt32 = 0
        fileprivate var clearedIn: UInt32 = 0
        /// The literal that the value is.
        fileprivate(set) var literal = LiteralTable.other
        /// NaN if the value is no number.
        fileprivate(set) var number = Double.nan
        fileprivate(set) var isPresent = false
    }

    private let states: UnsafeMutableBufferPointer<State>
    private let changedFields: UnsafeMutableBufferPointer<Int>
    private let clearedFields: UnsafeMutableBufferPointer<Int>
    private let counts: UnsafeMutablePointer<Counts>

    /// In memory of its own, since access to a variable of a class is checked each time.
    private struct Counts {
        var changed = 0
        var cleared = 0
        var candidates = 0
        /// Stamps what belongs to the event at hand.
        var epoch: UInt32 = 0
    }

    init(count: Int) {
        counts = .allocate(capacity: 1)
        counts.initialize(to: Counts())
        states = .allocate(capacity: count)
        states.initialize(repeating: State())
        changedFields = .allocate(capacity: count)
        clearedFields = .allocate(capacity: count)
    }

    deinit {
        counts.deallocate()
        states.deallocate()
        changedFields.deallocate()
        clearedFields.deallocate()
    }

    var changedCount: Int { counts.pointee.changed }
    var clearedCount: Int { counts.pointee.cleared }
    private var epoch: UInt32 { counts.pointee.epoch }

    /// Postings looked at.
    var candidateCount: Int {
        get { counts.pointee.candidates }
        set { counts.pointee.candidates = newValue }
    }

    func begin() {
        counts.pointee.epoch &+= 1
        counts.pointee.changed = 0
        counts.pointee.cleared = 0
        // After four billion events old stamps would look like new ones.
        if epoch == 0 {
            states.update(repeating: State())
            counts.pointee.epoch = 1
        }
    }

    @inline(__always)
    subscript(field: Int) -> State { states[field] }

    @inline(__always)
    func isRead(_ field: Int) -> Bool { states[field].readIn == epoch }

    @inline(__always)
    func set(_ field: Int, literal: UInt32, number: Double) {
        states[field].readIn = epoch
        states[field].literal = literal
        states[field].number = number
        states[field].isPresent = true
    }

    func setAbsent(_ field: Int) {
        states[field].readIn = epoch
        states[field].literal = LiteralTable.other
        states[field].number = .nan
        states[field].isPresent = false
    }

    @inline(__always)
    func isChanged(_ field: Int) -> Bool { states[field].changedIn == epoch }

    @inline(__always)
    func isCleared(_ field: Int) -> Bool { states[field].clearedIn == epoch }

    func changed(_ place: Int) -> Int { changedFields[place] }
    func cleared(_ place: Int) -> Int { clearedFields[place] }

    func markChanged(_ field: Int) {
        guard !isChanged(field) else { return }
        states[field].changedIn = epoch
        changedFields[changedCount] = field
        counts.pointee.changed += 1
    }

    func markCleared(_ field: Int) {
        guard !isCleared(field) else { return }
        states[field].clearedIn = epoch
        clearedFields[clearedCount] = field
        counts.pointee.cleared += 1
    }
}
