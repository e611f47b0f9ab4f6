import Events

/// Several events of one record → one, with the newest value of every field (`coalesce: {mode: latest}`).
enum LatestMerge {
    /// - Parameter members: at least one, in the order of the stream.
    static func merge(_ members: [BatchMember]) -> BatchMember {
        precondition(!members.isEmpty, "a batch has at least one event")
        return members.dropFirst().reduce(members[0], merge)
    }

    private static func merge(_ old: BatchMember, _ new: BatchMember) -> BatchMember {
        var merged = new
        // What was deleted has no older values worth telling; what comes after a delete starts anew.
        if new.change == "delete" || old.change == "delete" { return new }
        var fields = old.event.record.known()
        // What changed since without being told (a diff, or withheld) has no value that is known to be the newest.
        for name in (new.event.header.map { $0.changedFields + $0.diffFields } ?? []) {
            let path = name.split(separator: ".").map(String.init)
            if new.event.record.value(at: path) == nil { fields = fields.without(path[...]) }
        }
        for field in new.event.record.known().fields { fields[field.name] = newest(fields[field.name], field.value) }
        merged.event.record = KnownFields(fields)
        merged.event.fetched = old.event.fetched || new.event.fetched
        // For the receiver it is still a record that it has not seen.
        if old.change == "create" || old.change == "undelete", new.change == "update" { merged.change = old.change }
        if var header = new.event.header, let earlier = old.event.header {
            header.changedFields = united(earlier.changedFields, header.changedFields)
            header.diffFields = united(earlier.diffFields, header.diffFields)
            let setAgain = Set(new.event.header?.changedFields ?? []).subtracting(header.nulledFields)
            header.nulledFields = united(earlier.nulledFields.filter { !setAgain.contains($0) }, header.nulledFields)
            merged.event.header = header
        }
        return merged
    }

    /// Of a compound, a component that the later event does not tell keeps its value.
    private static func newest(_ old: Value?, _ new: Value) -> Value {
        guard case .record(var components)? = old, case .record(let later) = new else { return new }
        for field in later.fields { components[field.name] = field.value }
        return .record(components)
    }

    private static func united(_ first: [String], _ second: [String]) -> [String] {
        first + second.filter { !first.contains($0) }
    }
}

extension Fields {
    /// - Parameter path: names from the outside in; what is not there stays so.
    fileprivate func without(_ path: ArraySlice<String>) -> Fields {
        guard let name = path.first else { return self }
        var fields = self
        if path.count == 1 {
            fields[name] = nil
        } else if case .record(let inner)? = fields[name] {
            fields[name] = .record(inner.without(path.dropFirst()))
        }
        return fields
    }
}
