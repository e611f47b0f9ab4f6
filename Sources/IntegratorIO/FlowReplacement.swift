import Events

/// A whole new definition for a flow (`PUT`), beside the one that it replaces.
///
/// integrator.io replaces everything: what the new definition leaves out is erased, sources and steps included. So the
/// difference is shown first.
package struct FlowReplacement: Sendable, Equatable {
    /// Set by integrator.io itself; leaving them out erases nothing.
    static let managed: Set<String> = [
        "_id", "createdAt", "lastModified", "lastExecutedAt", "resolvedAt", "_userId", "free", "_sourceId",
        "_connectorId", "_templateId",
    ]
    /// Fields inside fields are compared to this depth.
    static let maximumDepth = 16

    /// In the order of the current definition: `schedule`, `pageGenerators[0].skipRetries`.
    package private(set) var erased: [String] = []
    package private(set) var changed: [String] = []
    package private(set) var added: [String] = []

    /// - Parameters:
    ///   - current: as read right now.
    ///   - new: what is to be sent.
    package init(current: Value, new: Value) {
        compare(current, new, path: "", depth: 0)
    }

    private mutating func compare(_ current: Value, _ new: Value, path: String, depth: Int) {
        switch (current, new) {
        case (.record(let old), .record(let fresh)) where depth < Self.maximumDepth:
            compare(old, fresh, path: path, depth: depth)
        case (.list(let old), .list(let fresh)) where depth < Self.maximumDepth:
            compare(old, fresh, path: path, depth: depth)
        default: if current != new { changed.append(path) }
        }
    }

    private mutating func compare(_ old: Fields, _ fresh: Fields, path: String, depth: Int) {
        func inner(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
        for field in old.fields where depth > 0 || !Self.managed.contains(field.name) {
            guard let value = fresh[field.name] else {
                erased.append(inner(field.name))
                continue
            }
            compare(field.value, value, path: inner(field.name), depth: depth + 1)
        }
        for field in fresh.fields where old[field.name] == nil { added.append(inner(field.name)) }
    }

    private mutating func compare(_ old: [Value], _ fresh: [Value], path: String, depth: Int) {
        for (index, value) in old.enumerated() {
            if index < fresh.count {
                compare(value, fresh[index], path: "\(path)[\(index)]", depth: depth + 1)
            } else {
                erased.append("\(path)[\(index)]")
            }
        }
        for index in fresh.indices.dropFirst(old.count) { added.append("\(path)[\(index)]") }
    }
}
