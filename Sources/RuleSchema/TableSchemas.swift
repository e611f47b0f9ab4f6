import Documents
import Events

/// Key tables → schemas of maps. Each table is written once, under `definitions`.
struct TableSchemas {
    private let names: OrgNames?
    private let types: TypeSchemas
    /// In the order of first use.
    private(set) var definitions: [Fields.Field] = []

    /// - Parameter treesAreTemplates: strings in free trees hold templates.
    init(names: OrgNames?, treesAreTemplates: Bool) {
        self.names = names
        types = TypeSchemas(treesAreTemplates: treesAreTemplates)
        if treesAreTemplates {
            definitions.append(Fields.Field(name: "template-tree", value: TypeSchemas.templateTree))
        }
        definitions.append(Fields.Field(name: "secret", value: TypeSchemas.secret))
        definitions += names?.definitions ?? []
    }

    /// `{"type": "object", "properties": {...}, "required": [...], "additionalProperties": false}` and what the table's
    /// decoder demands beside that.
    mutating func schema(of table: KeyTable) -> Fields {
        if table.key("kind") != nil { return kinds(of: table) }
        return map(table, keys: table.keys)
    }

    private mutating func map(_ table: KeyTable, keys: [Key]) -> Fields {
        var properties = Fields()
        for key in keys { properties.append(key.name, .record(property(key, of: table))) }
        var schema: Fields = [
            "type": .string("object"), "properties": .record(properties), "additionalProperties": .bool(false),
        ]
        let required = keys.filter(\.isRequired).map(\.name)
        if !required.isEmpty { schema.append("required", .list(required.map(Value.string))) }
        if table.isChoice {
            schema.append("minProperties", .int(1))
            schema.append("maxProperties", .int(1))
        }
        var conditions = TableConditions.conditions(of: table)
        if table.name == "a rule" { conditions += names?.conditions ?? [] }
        if let dependencies = TableConditions.dependencies(of: table) { schema.append("dependencies", dependencies) }
        if !conditions.isEmpty { schema.append("allOf", .list(conditions)) }
        return schema
    }

    /// One map for each value of `kind`, with the keys that this kind takes.
    private mutating func kinds(of table: KeyTable) -> Fields {
        guard let kind = table.key("kind"), case .word(let words) = kind.type else {
            preconditionFailure("the kind of \(table.name) is a word")
        }
        var branches: [Value] = []
        for word in words {
            let keys = table.keys.filter { $0.kinds?.contains(word) ?? true }
            var schema = map(table, keys: keys)
            guard case .record(var properties)? = schema["properties"], case .list(let required)? = schema["required"]
            else { preconditionFailure("\(table.name) requires its kind") }
            if properties["allowHttp"] == nil, case .list(let conditions)? = schema["allOf"] {
                schema["allOf"] = .list(conditions.filter { !TableConditions.asksForPlainHTTP($0) })
            }
            properties["kind"] = .record(["const": .string(word), "description": .string(kind.doc)])
            schema["properties"] = .record(properties)
            schema["required"] = .list(required + TableConditions.required(in: table, kind: word).map(Value.string))
            branches.append(define(schema, as: "\(word)-\(Self.slug(table.name))", below: table))
        }
        return ["oneOf": .list(branches)]
    }

    private mutating func property(_ key: Key, of table: KeyTable) -> Fields {
        var doc = key.doc
        // Where the map says its kind itself, other kinds do not show the key at all.
        if let kinds = key.kinds, table.key("kind") == nil {
            doc += " Only for destinations of kind \(kinds.joined(separator: " or "))."
        }
        var property: Fields = ["description": .string(doc)]
        if let text = key.defaultText { property.append("default", DefaultValue.read(text, as: key.type)) }
        var schema = self.schema(of: key.type, below: table)
        if let named = names?.schema(of: key.name, in: table.name) { schema = named }
        // Draft-07 ignores everything beside a reference.
        if schema["$ref"] != nil {
            property.append("allOf", .list([.record(schema)]))
        } else {
            for field in schema.fields { property.append(field.name, field.value) }
        }
        return property
    }

    private mutating func schema(of type: ValueType, below parent: KeyTable) -> Fields {
        switch type {
        case .table(let table):
            let schema = self.schema(of: table)
            guard case .record(let reference) = define(schema, as: Self.slug(table.name), below: parent) else {
                preconditionFailure("a reference is a map")
            }
            return reference
        case .list(let element, let mayBeEmpty):
            return TypeSchemas.list(self.schema(of: element, below: parent), mayBeEmpty: mayBeEmpty)
        case .oneOrMore(let element):
            let schema = self.schema(of: element, below: parent)
            return ["anyOf": .list([.record(schema), .record(TypeSchemas.list(schema, mayBeEmpty: false))])]
        case .map(let pattern, let element):
            return TypeSchemas.map(pattern, self.schema(of: element, below: parent))
        case .shapes(let shapes):
            var schemas: [Value] = []
            for shape in shapes { schemas.append(.record(schema(of: shape, below: parent))) }
            return ["anyOf": .list(schemas)]
        default: return types.schema(of: type)
        }
    }

    // MARK: Definitions

    /// Two tables of one name that differ are told apart by where they stand.
    private mutating func define(_ schema: Fields, as name: String, below parent: KeyTable) -> Value {
        let value = Value.record(schema)
        let longer = "\(Self.slug(parent.name))-\(name)"
        var candidate = name
        for number in 2... {
            guard let known = definitions.first(where: { $0.name == candidate }) else { break }
            if known.value == value { return TypeSchemas.reference(candidate) }
            candidate = number == 2 ? longer : "\(longer)-\(number)"
        }
        definitions.append(Fields.Field(name: candidate, value: value))
        return TypeSchemas.reference(candidate)
    }

    /// `a delivery` → `delivery`
    static func slug(_ name: String) -> String {
        let words = name.split(separator: " ").filter { !["a", "an", "the"].contains($0) }
        return words.joined(separator: "-")
    }
}
