import Events

/// Matches events against an index. Keeps the memory that this takes, so that nothing is allocated once it has seen an
/// event of each schema. For one thread at a time.
///
/// Sendable, since it is handed from one user to the next through a lock, and whoever has it has it alone.
package final class IndexMatcher: @unchecked Sendable {
    package let index: ConditionIndex
    /// How many postings were looked at for the last event.
    package var candidateCount: Int { fields.candidateCount }

    private let found: RuleBits
    private let output: UnsafeMutableBufferPointer<UInt32>
    private let fields: FieldStates
    private var bindings = BindingTable()

    package init(_ index: ConditionIndex) {
        self.index = index
        found = RuleBits(count: index.ruleCount)
        output = .allocate(capacity: index.ruleCount)
        fields = FieldStates(count: index.maximumFields)
    }

    deinit { output.deallocate() }

    /// Finds the rules whose indexed conditions hold; they are then `self[0]`, `self[1]`, …, ascending.
    ///
    /// - Returns: how many.
    package func match(_ event: Event, _ lane: IndexLane) -> Int {
        fields.candidateCount = 0
        let record = event.record
        if let shape = record.shape {
            let binding = bindings.binding(shape, event.entity, in: index)
            if let part = binding.part { run(part, binding.slots, event, record, lane) }
            if let any = index.anyEntity { run(any, binding.anySlots, event, record, lane) }
        } else {
            if let part = index.entity(event.entity) { run(part, nil, event, record, lane) }
            if let any = index.anyEntity { run(any, nil, event, record, lane) }
        }
        return found.drain(into: output)
    }

    /// A rule found by the last `match`.
    package subscript(position: Int) -> Int { Int(output[position]) }

    // MARK: One entity

    private func run(
        _ part: EntityIndex, _ slots: SlotBinding?, _ event: Event, _ record: any RecordView, _ lane: IndexLane
    ) {
        guard let partition = part.partitions[lane.number] else { return }
        fields.begin()
        let pass = Pass(part: part, partition: partition, slots: slots, lane: lane, record: record)
        consider(partition.always, pass)
        for field in part.headerFields { withHeaderText(part.fields[field], event) { pass.fill(fields, field, $0) } }
        if !partition.changeFields.isEmpty { considerChanges(pass, event) }
        considerValues(pass, event)
    }

    @inline(__always)
    private func consider(_ list: PostingRange, _ pass: Pass) {
        for index in list.indices { consider(pass.partition.postings[index], pass) }
    }

    @inline(__always)
    private func consider(_ posting: Posting, _ pass: Pass) {
        fields.candidateCount += 1
        if posting.isRule { return found.insert(Int(posting.rule)) }
        let program = pass.part.programs[posting.program]
        guard !found.contains(Int(program.rule)) else { return }
        for test in Int(program.start)..<Int(program.start + program.count) {
            guard pass.holds(pass.part.tests[test], fields) else { return }
        }
        found.insert(Int(program.rule))
    }

    // MARK: Changes

    private func considerChanges(_ pass: Pass, _ event: Event) {
        switch pass.lane.reading {
        case .update: markListed(pass, event)
        case .full: markPresent(pass)
        case .nothing: return
        }
        if !pass.partition.changed.isEmpty {
            for place in 0..<fields.changedCount { consider(pass.partition.changed[fields.changed(place)], pass) }
        }
        if !pass.partition.cleared.isEmpty {
            for place in 0..<fields.clearedCount { consider(pass.partition.cleared[fields.cleared(place)], pass) }
        }
    }

    private func markListed(_ pass: Pass, _ event: Event) {
        let fields = fields
        if let slots = pass.slots,
            pass.record.forEachSlot(in: .changed, { slots.forEachField(changedBy: $0, fields.markChanged) }),
            pass.record.forEachSlot(in: .diff, { slots.forEachField(changedBy: $0, fields.markChanged) }),
            pass.record.forEachSlot(
                in: .nulled,
                {
                    // What was set to null has changed as well.
                    slots.forEachField(changedBy: $0, fields.markChanged)
                    slots.forEachField(clearedBy: $0, fields.markCleared)
                })
        {
            return
        }
        guard let header = event.header else { return }
        for name in header.changedFields { pass.part.forEachField(changedBy: name, fields.markChanged) }
        for name in header.diffFields { pass.part.forEachField(changedBy: name, fields.markChanged) }
        for name in header.nulledFields {
            pass.part.forEachField(changedBy: name, fields.markChanged)
            pass.part.forEachField(clearedBy: name, fields.markCleared)
        }
    }

    private func markPresent(_ pass: Pass) {
        let fields = fields
        let part = pass.part
        let record = pass.record
        guard let lane = pass.slots?.lanes[pass.lane.number] else {
            for field in pass.partition.changeFields where part.hasValue(field, in: record) { fields.markChanged(field) }
            return
        }
        lane.changeSlots.withUnsafeBufferPointer { list in
            record.forEachPresent(list) { place, cell in
                let field = lane.changeFields[place]
                switch cell {
                case .null: break
                case .other: if part.hasValue(field, in: record) { fields.markChanged(field) }
                default: fields.markChanged(field)
                }
            }
        }
        for field in lane.otherChanges where part.hasValue(field, in: record) { fields.markChanged(field) }
    }

    // MARK: Values

    private func considerValues(_ pass: Pass, _ event: Event) {
        guard let lane = pass.slots?.lanes[pass.lane.number] else {
            for access in pass.partition.access { read(access, pass, event) }
            return
        }
        lane.accessSlots.withUnsafeBufferPointer { list in
            pass.record.forEachPresent(list) { place, cell in
                consider(lane.access[place], cell, pass)
            }
        }
        for access in lane.otherAccess { read(access, pass, event) }
    }

    private func read(_ access: IndexPartition.Access, _ pass: Pass, _ event: Event) {
        let field = pass.part.fields[access.field]
        if case .record = field {
            guard let value = pass.part.value(access.field, in: pass.record) else { return }
            FieldCell.withCell(of: value) { consider(access, $0, pass) }
        } else {
            withHeaderText(field, event) { consider(access, $0, pass) }
        }
    }

    /// The value of a field is `cell`: looks at everything that is filed under that.
    private func consider(_ access: IndexPartition.Access, _ cell: FieldCell, _ pass: Pass) {
        pass.fill(fields, access.field, cell)
        if !access.equalities.isEmpty {
            let literal = Int(fields[access.field].literal)
            let list = PostingRange(start: access.equalities[literal], end: access.equalities[literal + 1])
            consider(list, pass)
        }
        if let ranges = access.ranges {
            let number = fields[access.field].number
            if !number.isNaN { ranges.forEach(containing: number) { consider($0, pass) } }
        }
        if let prefixes = access.prefixes, case .text(let text) = cell {
            prefixes.forEach(prefixOf: text) { consider($0, pass) }
        }
        consider(access.present, pass)
    }

    private func withHeaderText(_ field: IndexField, _ event: Event, _ body: (FieldCell) -> Void) {
        switch field {
        case .commitUser: if let user = event.header?.commitUser { FieldCell.withCell(of: .string(user), body) }
        case .orgAlias: FieldCell.withCell(of: .string(event.org.alias), body)
        case .topic: FieldCell.withCell(of: .string(event.topic), body)
        case .record: break
        }
    }
}
