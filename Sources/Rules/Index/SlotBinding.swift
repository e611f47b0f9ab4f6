import Events

/// An entity's fields bound to the slots of one schema, so that its events are matched without any names.
final class SlotBinding: Sendable {
    /// The slots that one lane reads, in one go.
    final class Lane: Sendable {
        /// Of the accesses whose field has a slot, and these accesses.
        let accessSlots: [Int32]
        let access: [IndexPartition.Access]
        /// Accesses that are read by path or from the header.
        let otherAccess: [IndexPartition.Access]
        /// Of the fields whose change matters, and their local numbers.
        let changeSlots: [Int32]
        let changeFields: [Int]
        /// Fields whose change matters and that have no slot.
        let otherChanges: [Int]

        init(_ partition: IndexPartition, _ places: [Place]) {
            var slots: [Int32] = []
            var found: [IndexPartition.Access] = []
            var others: [IndexPartition.Access] = []
            for access in partition.access {
                switch places[access.field] {
                case .slot(let slot):
                    slots.append(slot)
                    found.append(access)
                case .byPath: others.append(access)
                case .nowhere: break
                }
            }
            (accessSlots, access, otherAccess) = (slots, found, others)
            var changeSlots: [Int32] = []
            var changeFields: [Int] = []
            var otherChanges: [Int] = []
            for field in partition.changeFields {
                switch places[field] {
                case .slot(let slot):
                    changeSlots.append(slot)
                    changeFields.append(field)
                case .byPath: otherChanges.append(field)
                case .nowhere: break
                }
            }
            (self.changeSlots, self.changeFields, self.otherChanges) = (changeSlots, changeFields, otherChanges)
        }
    }

    /// What a field is in the schema.
    enum Place: Sendable {
        case slot(Int32)
        /// The schema has no such field.
        case nowhere
        /// Deeper than slots go, or not of the record.
        case byPath
    }

    /// By local field.
    let places: [Place]
    /// By lane; nil where no rule takes such events.
    let lanes: [Lane?]
    private let changed: FieldLists
    private let cleared: FieldLists

    init(_ part: EntityIndex, _ shape: RecordShape) {
        let places = part.fields.map { Self.place(of: $0, in: shape) }
        self.places = places
        lanes = part.partitions.map { $0.map { Lane($0, places) } }
        var affected = [[UInt32]](repeating: [], count: shape.slotCount)
        for (field, place) in places.enumerated() {
            guard case .slot(let slot) = place else { continue }
            affected[Int(slot)].append(UInt32(field))
            for other in 0..<shape.slotCount where shape.parent(of: other) == Int(slot) {
                affected[other].append(UInt32(field))
            }
        }
        changed = FieldLists(affected)
        var emptied = [[UInt32]](repeating: [], count: shape.slotCount)
        for (field, place) in places.enumerated() {
            guard case .slot(let slot) = place else { continue }
            emptied[Int(slot)].append(UInt32(field))
            if let parent = shape.parent(of: Int(slot)) { emptied[parent].append(UInt32(field)) }
        }
        cleared = FieldLists(emptied)
    }

    /// The local fields that have changed if a slot has: the field itself and the compound it belongs to.
    @inline(__always)
    func forEachField(changedBy slot: Int, _ body: (Int) -> Void) {
        changed.forEach(of: slot, body)
    }

    /// The local fields that are empty if a slot was set to null: the field itself and, of a compound, its components.
    @inline(__always)
    func forEachField(clearedBy slot: Int, _ body: (Int) -> Void) { cleared.forEach(of: slot, body) }

    private static func place(of field: IndexField, in shape: RecordShape) -> Place {
        guard case .record(let path) = field else { return .byPath }
        if let slot = shape.slot(of: path) { return .slot(Int32(slot)) }
        guard let stop = path.firstIndex(of: ".") else { return .nowhere }
        return shape.slot(of: String(path[..<stop])) == nil ? .nowhere : .byPath
    }
}

/// By slot, some local fields.
struct FieldLists: Sendable {
    /// By slot, and one more for the end: where in `fields` its list begins.
    private let starts: [UInt32]
    private let fields: [UInt32]

    init(_ lists: [[UInt32]]) {
        var starts: [UInt32] = [0]
        var fields: [UInt32] = []
        for list in lists {
            fields += list
            starts.append(UInt32(fields.count))
        }
        self.starts = starts
        self.fields = fields
    }

    @inline(__always)
    func forEach(of slot: Int, _ body: (Int) -> Void) {
        for index in Int(starts[slot])..<Int(starts[slot + 1]) { body(Int(fields[index])) }
    }
}

/// The bindings of the schemas that events came with lately.
struct BindingTable {
    /// One entity's index, and that for every object, bound to a schema.
    final class Binding {
        /// Kept alive: its identity is the key.
        let shape: RecordShape
        let entity: String
        let part: EntityIndex?
        let slots: SlotBinding?
        let anySlots: SlotBinding?

        init(_ shape: RecordShape, _ entity: String, in index: ConditionIndex) {
            self.shape = shape
            self.entity = entity
            part = index.entity(entity)
            slots = part.map { SlotBinding($0, shape) }
            anySlots = index.anyEntity.map { SlotBinding($0, shape) }
        }
    }

    /// Schemas; when it is reached all are forgotten.
    static let limit = 512
    private static let capacity = 1_024

    private var places = [Binding?](repeating: nil, count: Self.capacity)
    private var count = 0

    /// Finds or makes the binding for events of an entity.
    @inline(__always)
    mutating func binding(_ shape: RecordShape, _ entity: String, in index: ConditionIndex) -> Binding {
        var place = Self.place(of: shape)
        while let binding = places[place] {
            if binding.shape === shape {
                if binding.entity == entity { return binding }
                break
            }
            place = (place + 1) & (Self.capacity - 1)
        }
        return add(Binding(shape, entity, in: index), at: place)
    }

    private mutating func add(_ binding: Binding, at place: Int) -> Binding {
        if places[place] != nil {
            places[place] = binding
            return binding
        }
        if count >= Self.limit {
            places = Array(repeating: nil, count: Self.capacity)
            count = 0
            places[Self.place(of: binding.shape)] = binding
        } else {
            places[place] = binding
        }
        count += 1
        return binding
    }

    private static func place(of shape: RecordShape) -> Int {
        let bits = UInt(bitPattern: ObjectIdentifier(shape)) &* 0x9E37_79B9_7F4A_7C15
        return Int(bits >> 40) & (capacity - 1)
    }
}
