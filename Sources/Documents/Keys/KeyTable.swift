/// The keys that one kind of map may have: the single declaration that checking, messages and the JSON Schema share.
package struct KeyTable: Sendable {
    /// What messages call the map: "match", "a delivery".
    package let name: String
    package let keys: [Key]
    /// Exactly one of the keys is given (`auth`).
    package var isChoice = false

    package init(_ name: String, isChoice: Bool = false, _ keys: [Key]) {
        self.name = name
        self.keys = keys
        self.isChoice = isChoice
    }

    package func key(_ name: String) -> Key? { keys.first { $0.name == name } }

    /// Whether the map has the key under a name that is probably misspelt, for which there is a finding already.
    package func isMisspelt(_ name: String, in node: YAMLNode) -> Bool {
        let free = keys.map(\.name).filter { node.entry($0) == nil }
        return node.entries.contains { key($0.key) == nil && Suggestion.nearest(to: $0.key, in: free) == name }
    }
}

package struct Key: Sendable {
    package let name: String
    package let type: ValueType
    package let isRequired: Bool
    /// As it would be written in the file; nil if there is none.
    package let defaultText: String?
    /// Of maps that come in kinds, those that it is for; nil is all. Held against the map's kind by its decoder.
    package let kinds: [String]?
    /// One sentence for the operator.
    package let doc: String

    package init(
        _ name: String, _ type: ValueType, required: Bool = false, default defaultText: String? = nil,
        kinds: [String]? = nil, _ doc: String
    ) {
        self.name = name
        self.type = type
        isRequired = required
        self.defaultText = defaultText
        self.kinds = kinds
        self.doc = doc
    }
}

/// What a value must be. Templates and expressions are only placed here; who knows their scope reads them.
package indirect enum ValueType: Sendable {
    case text
    case bool
    case integer(ClosedRange<Int>)
    /// `10s`, `5m`, `24h`, `7d`, `1h30m`
    case duration
    /// `5/s`, `300/m`, `10000/h`
    case rate
    /// `500kB`, `64MB`, `1GB`, `0`
    case size
    case url
    case word([String])
    /// `^[a-z][a-z0-9-]{0,62}$`
    case name
    /// An API name of an object, event or field; fields may be dotted.
    case apiName
    /// An API name, or `"*"`.
    case entity
    /// 24 hex digits.
    case hexID
    /// 24 hex digits or a template.
    case flowID
    case secret
    case expression
    case template
    case tree
    /// A scalar or a list of scalars, typed by the core schema.
    case constant
    /// Elements must be more than none where `mayBeEmpty` is false.
    case list(ValueType, mayBeEmpty: Bool)
    case oneOrMore(ValueType)
    case map(NamePattern, ValueType)
    case table(KeyTable)
    /// By the form of the value: the first type that takes a scalar, a list or a map, as given.
    case shapes([ValueType])

    package enum NamePattern: Sendable { case any, name, variable, headerName }

    /// For "must be …".
    var inWords: String {
        switch self {
        case .text, .url, .name, .apiName, .entity: "text"
        case .bool: "true or false"
        case .integer(let range) where range.count == 1: String(range.lowerBound)
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .duration: "a duration"
        case .rate: "a rate such as 10/s"
        case .size: "a size such as 64MB"
        case .word(let words): words.count == 1 ? words[0] : "one of " + words.joined(separator: ", ")
        case .hexID: "24 hex digits"
        case .flowID: "24 hex digits or a template"
        case .secret: "{env: NAME} or {file: path}"
        case .expression: "an expression"
        case .template: "text or a template"
        case .tree: "a template"
        case .constant: "a value or a list of values"
        case .list: "a list"
        case .oneOrMore(let type): type.inWords + ", or a list of them"
        case .map, .table: "a map"
        case .shapes(let types): types.map(\.inWords).joined(separator: " or ")
        }
    }

    /// Whether a value of this form (scalar, list or map) can be of the type at all.
    func takes(_ node: YAMLNode) -> Bool {
        switch self {
        case .list: node.isList
        case .map, .table, .secret: node.isMap
        case .tree: true
        case .constant: !node.isMap
        case .oneOrMore(let type): node.isList || type.takes(node)
        case .shapes(let types): types.contains { $0.takes(node) }
        default: node.scalar != nil
        }
    }
}
