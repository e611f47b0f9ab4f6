import Events

extension RecordView {
    /// The value at a path of any length: a view answers for a field and its component, anything deeper is looked up in
    /// the value.
    func field(_ path: [String]) -> Value? {
        guard path.count > 2 else { return value(at: path) }
        var found = value(at: Array(path.prefix(2)))
        for name in path.dropFirst(2) {
            guard case .record(let fields) = found else { return nil }
            found = fields[name]
        }
        return found
    }

    /// Whether every component of a compound field is told.
    func isWhole(_ name: String) -> Bool {
        guard let shape, let slot = shape.topLevelSlot(of: name) else { return false }
        return (0..<shape.slotCount).allSatisfy { shape.parent(of: $0) != slot || value(slot: $0) != nil }
    }
}

/// A record whose absent fields were read from Salesforce: what the event tells goes before what was read.
struct CompletedRecord: RecordView {
    let told: any RecordView
    let fetched: Fields

    func value(at path: [String]) -> Value? {
        if let value = told.value(at: path) { return merged(value, path) }
        var value: Value? = .record(fetched)
        for name in path {
            switch value {
            case .record(let fields): value = fields[name]
            case .null: return .null
            default: return nil
            }
        }
        return value
    }

    func known() -> Fields {
        var known = told.known()
        for field in fetched.fields {
            if let value = known[field.name] {
                known[field.name] = merged(value, [field.name])
            } else {
                known.append(field.name, field.value)
            }
        }
        return known
    }

    /// Of a compound, components that the event does not tell are filled in.
    private func merged(_ value: Value, _ path: [String]) -> Value {
        guard path.count == 1, case .record(var components) = value, case .record(let read)? = fetched[path[0]] else {
            return value
        }
        for component in read.fields where components[component.name] == nil {
            components.append(component.name, component.value)
        }
        return .record(components)
    }
}
