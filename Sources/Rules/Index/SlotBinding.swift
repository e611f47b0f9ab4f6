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
    /// By slot, and one more for the end: where in `targets` the local fields begin that change when the slot does.
    private let targetStarts: [UInt32]
    private let targets: [UInt32]

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
        var starts: [UInt32] = [0]
        var targets: [UInt32] = []
        for fields in affected {
            targets += fields
            starts.append(UInt32(targets.count))
        }
        targetStarts = starts
        self.targets = targets
    }

    /// The local fields that have changed if a slot has: the field itself and the compound it belongs to.
    @inline(__always)
    func forEachField(changedBy slot: Int, _ body: (Int) -> Void) {
        for index in Int(targetStarts[slot])..<Int(targetStarts[slot + 1]) { body(Int(targets[index])) }
    }

    private static func place(of field: IndexField, in shape: RecordShape) -> Place {
        guard case .record(let path) = field else { return .byPath }
        if let slot = shape.slot(of: path) { return .slot(Int32(slot)) }
        guard let stop = path.firstIndex(of: ".") else { return .nowhere }
        return shape.slot(of: String(path[..<stop])) == nil ? .nowhere : .byPath
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
