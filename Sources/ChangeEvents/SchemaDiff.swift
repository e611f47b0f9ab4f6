import Avro

/// What is different between two schemas of one object or platform event.
package struct SchemaDiff: Sendable, Equatable {
    package struct Retyped: Sendable, Equatable {
        package var name: String
        package var old: String
        package var new: String
    }

    package struct Renamed: Sendable, Equatable {
        package var old: String
        package var new: String
    }

    /// API names, in schema order.
    package private(set) var added: [String] = []
    package private(set) var removed: [String] = []
    package private(set) var retyped: [Retyped] = []
    /// Of custom fields: their IDs stay when they are renamed.
    package private(set) var renamed: [Renamed] = []

    package init(from old: EventSchema, to new: EventSchema) {
        let before = Dictionary(old.described.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(new.described.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var gone = old.described.filter { after[$0.name] == nil }
        for field in new.described {
            if let earlier = before[field.name] {
                guard earlier.type != field.type else { continue }
                retyped.append(Retyped(name: field.name, old: earlier.type, new: field.type))
            } else if let id = field.id, let place = gone.firstIndex(where: { $0.id == id }) {
                renamed.append(Renamed(old: gone.remove(at: place).name, new: field.name))
            } else {
                added.append(field.name)
            }
        }
        removed = gone.map(\.name)
    }

    package var isEmpty: Bool { added.isEmpty && removed.isEmpty && retyped.isEmpty && renamed.isEmpty }

    /// What rules may stumble over: fields that are there no more, or are something else.
    package var affected: [String] { removed + renamed.map(\.old) + retyped.map(\.name) }

    /// `added A, B; removed C; D is Data:Double and was Data:Text`
    package var summary: String {
        var parts: [String] = []
        if !added.isEmpty { parts.append("added \(Self.list(added))") }
        if !removed.isEmpty { parts.append("removed \(Self.list(removed))") }
        parts += renamed.map { "\($0.old) is named \($0.new) now" }
        parts += retyped.map { "\($0.name) is \($0.new) and was \($0.old)" }
        return parts.isEmpty ? "the same fields in another layout" : parts.joined(separator: "; ")
    }

    /// Long lists end in a number.
    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(20).joined(separator: ", ")
        return names.count > 20 ? "\(shown) and \(names.count - 20) more" : shown
    }
}

extension EventSchema {
    fileprivate struct Described {
        var name: String
        /// Salesforce's own type if it is told (`Data:Text`), or that of Avro.
        var type: String
        /// 15 characters, `00N…`; custom fields only.
        var id: String?
    }

    /// Without the header.
    fileprivate var described: [Described] {
        (schema.rootRecord?.fields ?? []).filter { $0.name != "ChangeEventHeader" }.map { field in
            let parts = field.doc.split(separator: ":").map(String.init)
            let type = parts.count >= 2 ? "\(parts[0]):\(parts[1])" : "\(schema[field.type])"
            return Described(name: field.name, type: type, id: parts.count >= 3 ? parts[2] : nil)
        }
    }
}
