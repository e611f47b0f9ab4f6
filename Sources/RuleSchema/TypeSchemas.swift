import Documents
import Events

/// Types of values → schemas. What a file may write without quotes counts as text here as it does when it is read.
struct TypeSchemas {
    let treesAreTemplates: Bool

    func schema(of type: ValueType) -> Fields {
        switch type {
        case .text: Self.text
        case .bool: ["type": .string("boolean")]
        case .integer(let range) where range.count == 1: ["const": .int(Int64(range.lowerBound))]
        case .integer(let range):
            [
                "type": .string("integer"), "minimum": .int(Int64(range.lowerBound)),
                "maximum": .int(Int64(range.upperBound)),
            ]
        case .duration: Self.string(#"^(?=.*[1-9])([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?$"#)
        case .size: Self.string("^(0|[0-9]{1,12}(kB|MB|GB))$")
        case .rate: Self.string("^(?=.*[1-9])[0-9]{1,9}/[smh]$")
        case .url: Self.string(Self.url)
        case .word(let words): ["enum": .list(words.map(Value.string))]
        case .name: Self.string("^[a-z][a-z0-9-]{0,62}$")
        case .apiName: Self.apiName
        case .entity: Self.entity
        case .hexID: Self.number("^[0-9A-Fa-f]{24}$")
        case .flowID: Self.number(#"^[0-9A-Fa-f]{24}$|\$\{"#, format: "sluice-template")
        case .secret: ["$ref": .string("#/definitions/secret")]
        case .expression: Self.scalar(minimum: 1, format: "sluice-cel")
        case .template: Self.scalar(minimum: 0, format: "sluice-template")
        case .tree: treesAreTemplates ? ["$ref": .string("#/definitions/template-tree")] : Fields()
        case .constant: Self.constant
        case .list, .oneOrMore, .map, .table, .shapes: preconditionFailure("made of other types")
        }
    }

    /// A host or an address in brackets, a port, and a fixed rest without a fragment.
    private static let url =
        #"^https?://(?!.*\$\{)(\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[0-9A-Za-z_.-]+)"#
        + "(:0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
        + ##"([/?][!-"$-~]*)?$"##

    static let apiName = string(apiNamePattern)
    static let entity = string(#"^\*$|"# + apiNamePattern)
    private static let apiNamePattern = #"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$"#

    /// `12` and `true` are text where text is expected.
    private static let text: Fields = ["type": .texts("string", "number", "boolean"), "minLength": .int(1)]

    private static func scalar(minimum: Int64, format: String) -> Fields {
        var schema: Fields = ["type": .texts("string", "number", "boolean")]
        if minimum > 0 { schema.append("minLength", .int(minimum)) }
        schema.append("format", .string(format))
        return schema
    }

    private static func string(_ pattern: String) -> Fields {
        ["type": .string("string"), "pattern": .string(pattern)]
    }

    /// An ID of nothing but digits is a number to YAML.
    private static func number(_ pattern: String, format: String? = nil) -> Fields {
        var schema: Fields = ["type": .texts("string", "number"), "pattern": .string(pattern)]
        if let format { schema.append("format", .string(format)) }
        return schema
    }

    private static let constant: Fields = {
        let scalar = Value.texts("string", "number", "boolean", "null")
        return [
            "type": .texts("string", "number", "boolean", "null", "array"), "items": .record(["type": scalar]),
        ]
    }()

    // MARK: Made of others

    static func list(_ element: Fields, mayBeEmpty: Bool) -> Fields {
        var schema: Fields = ["type": .string("array"), "items": .record(element)]
        if !mayBeEmpty { schema.append("minItems", .int(1)) }
        return schema
    }

    static func map(_ pattern: ValueType.NamePattern, _ element: Fields) -> Fields {
        [
            "type": .string("object"), "patternProperties": .record([Self.pattern(pattern): .record(element)]),
            "additionalProperties": .bool(false),
        ]
    }

    private static func pattern(_ pattern: ValueType.NamePattern) -> String {
        switch pattern {
        case .any: "."
        case .name: "^[a-z][a-z0-9-]{0,62}$"
        case .variable: "^[a-z]([A-Za-z0-9]{0,62}|[a-z0-9-]{0,62})$"
        case .headerName: #"^[0-9A-Za-z!#$%&'*+.^_`|~-]{1,100}$"#
        }
    }

    static func reference(_ name: String) -> Value { .record(["$ref": .string("#/definitions/\(name)")]) }

    // MARK: Definitions

    static let secret: Value = .record([
        "type": .string("object"), "description": .string("A secret is not written here: {env: NAME} or {file: path}."),
        "properties": .record([
            "env": property("Name of an environment variable."), "file": property("Path of a file."),
        ]),
        "additionalProperties": .bool(false), "minProperties": .int(1), "maxProperties": .int(1),
    ])

    private static func property(_ doc: String) -> Value {
        .record(["description": .string(doc), "type": .texts("string", "number", "boolean"), "minLength": .int(1)])
    }

    /// Any value; strings in it may hold `${...}`.
    static let templateTree: Value = .record([
        "description": .string("Any value. Strings in it may hold ${ expression }."),
        "anyOf": .list([
            .record(["type": .texts("string", "number", "boolean", "null"), "format": .string("sluice-template")]),
            .record(["type": .string("array"), "items": reference("template-tree")]),
            .record(["type": .string("object"), "additionalProperties": reference("template-tree")]),
        ]),
    ])
}

extension Value {
    static func texts(_ texts: String...) -> Value { .list(texts.map(Value.string)) }
}
