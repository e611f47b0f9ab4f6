import Events

/// Reading by slot: the same three states as by path.
extension EventRecord {
    package var shape: RecordShape? { source.schema.fields.shape }

    package func value(slot: Int) -> Value? {
        guard reading != .nothing else { return nil }
        guard let parent = source.schema.fields.shape.parent(of: slot) else { return value(of: slot) }
        return value(of: parent)?.member(source.schema.fields.names[slot])
    }

    package func forEachPresent(_ slots: UnsafeBufferPointer<Int32>, _ body: (Int, FieldCell) -> Void) {
        guard reading != .nothing else { return }
        let source = source
        for index in slots.indices {
            let slot = Int(slots[index])
            if slot < source.schema.fields.topLevelCount {
                let isNull = source.isPlainlyNull(slot)
                if isNull, reading != .full, !source.hasNulledOrDiff { continue }
                if source.hasNulledOrDiff, isDiff(slot) { continue }
                if !isNull, source.withCell(slot, { body(index, $0) }) { continue }
            }
            if let value = value(slot: slot) { FieldCell.withCell(of: value) { body(index, $0) } }
        }
    }

    package func forEachSlot(in list: HeaderList, _ body: (Int) -> Void) -> Bool {
        guard source.hasReadableLists else { return false }
        switch list {
        case .changed: source.lists?.changed.forEach(body)
        case .nulled: source.lists?.nulled.forEach(body)
        case .diff: source.lists?.diff.forEach(body)
        }
        return true
    }
}
