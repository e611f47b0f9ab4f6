import Documents
import Events

/// A field, perhaps a component of a compound one (`BillingAddress.City`), prepared for comparison.
struct FieldName: Sendable, Hashable {
    let name: String
    let path: [String]
    /// What the names of its components start with.
    private let componentPrefix: String

    init(_ name: String) {
        self.name = name
        path = name.split(separator: ".").map(String.init)
        componentPrefix = name + "."
    }

    /// Whether `changed`, a name of the header's lists, is this field or a component of it.
    func covers(_ changed: String) -> Bool {
        changed == name
            || (changed.utf8.count > componentPrefix.utf8.count && changed.utf8.starts(with: componentPrefix.utf8))
    }

    /// Whether `nulled`, a name of the header's list, empties this field: it is the field, or the compound that it is in.
    func isEmptied(by nulled: String) -> Bool {
        nulled == name || (path.count == 2 && path[0] == nulled)
    }

    /// Whether a value of it tells something: not absent, not null, and of a compound at least one component.
    func hasValue(in record: any RecordView) -> Bool {
        record.field(path).map(Self.isSomething) ?? false
    }

    private static func isSomething(_ value: Value) -> Bool {
        switch value {
        case .null: false
        case .record(let fields): fields.fields.contains { isSomething($0.value) }
        default: true
        }
    }
}

extension YAMLNode {
    func fieldNames(_ key: String) -> [FieldName]? {
        self[key] == nil ? nil : texts(key).filter(\.isAPIName).map(FieldName.init)
    }
}
