import Documents
import Events

/// The default of a key, as a file would write it → as JSON.
enum DefaultValue {
    private static let table = KeyTable("a default", [Key("value", .tree, "The default.")])

    static func read(_ text: String, as type: ValueType) -> Value {
        switch type {
        // These are text, whatever they look like.
        case .expression, .template, .text, .word, .name, .duration: return .string(text)
        default: break
        }
        let yaml = CheckedYAML(path: "default", bytes: Array("value: \(text)".utf8), table: table)
        return yaml.root?["value"]?.json ?? .string(text)
    }
}

extension YAMLNode {
    /// The tree by the core schema; nil for what JSON cannot carry.
    var json: Value? {
        switch content {
        case .scalar: return constant
        case .list(let elements): return .list(elements.compactMap(\.json))
        case .map(let entries):
            return .record(
                Fields(
                    entries.compactMap { entry in entry.value.json.map { Fields.Field(name: entry.key, value: $0) } }))
        case .broken: return nil
        }
    }
}
