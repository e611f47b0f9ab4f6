/// What scripts change, as somebody would in Setup.
extension EmulatedOrg {
    /// - Parameter now: epoch milliseconds.
    /// - Throws: `EmulatorError`, with nothing changed, when it names something that is not there.
    mutating func perform(_ edit: SalesforceEdit, now: Int64) throws(EmulatorError) {
        switch edit {
        case .refuse(let error, let description, let times):
            access.grants.refusal = .init(error: error, description: description, left: times)
        case .rotate(let rotates): access.grants.rotates = rotates
        case .refreshSandbox(let id): access.refresh(as: id)
        case .channel(let edit): try change(edit, now: now)
        case .permission(let entity, let isGiven):
            let topic = try Self.schema(of: entity).topic
            if isGiven { forbidden.remove(topic) } else { forbidden.insert(topic) }
        case .managed(let edit):
            let known = Set(topics.keys)
            try managed.change(edit, isTopic: known.contains)
        case .limits(let edits):
            for edit in edits { limits.set(edit.name, maximum: edit.maximum, remaining: edit.remaining) }
        case .rest(let fault): restFaults.add(fault)
        }
    }
}
