import Documents
import Events
import Rules

/// The names of an org's objects and fields, for `match` and `needs`.
struct OrgNames {
    private let entities: [EntitySchema]
    /// Lists of names, to be referred to.
    let definitions: [Fields.Field]

    init(_ org: OrgSchema) {
        entities = org.entities.values.sorted { $0.name < $1.name }
        let names = entities.map(\.name)
        let lists =
            [("entity-names", ["*"] + names), ("event-names", names)]
            + entities.map { (Self.fields(of: $0), $0.paths.sorted()) }
        definitions = lists.map { name, list in
            Fields.Field(name: name, value: .record(["enum": .list(list.map(Value.string))]))
        }
    }

    /// - Returns: nil for keys that are not about objects.
    func schema(of key: String, in table: String) -> Fields? {
        switch (table, key) {
        case ("match", "entity"): Self.oneOrMore(TypeSchemas.reference("entity-names"))
        case ("match", "event"): Self.oneOrMore(TypeSchemas.reference("event-names"))
        default: nil
        }
    }

    /// In a rule about one object, only its fields can be named.
    var conditions: [Value] {
        entities.map { condition($0, key: $0.name.hasSuffix("__e") ? "event" : "entity") }
    }

    private func condition(_ entity: EntitySchema, key: String) -> Value {
        let name = Value.record(["const": .string(entity.name)])
        let alone: Fields = [
            "anyOf": .list([
                name, .record(["type": .string("array"), "items": name, "minItems": .int(1), "maxItems": .int(1)]),
            ])
        ]
        let isAbout: Fields = ["properties": .record([key: .record(alone)]), "required": .texts(key)]
        let field = TypeSchemas.reference(Self.fields(of: entity))
        let fields = Value.record(Self.oneOrMore(field))
        let changed: Fields = [
            "anyOf": .list([
                field, .record(["type": .string("array"), "items": field]),
                .record(["type": .string("object"), "additionalProperties": fields]),
            ])
        ]
        let match: Fields = ["changed": .record(changed), "cleared": fields]
        return .record([
            "if": .record(["properties": .record(["match": .record(isAbout)]), "required": .texts("match")]),
            "then": .record([
                "properties": .record([
                    "match": .record(["properties": .record(match)]),
                    "needs": .record(["properties": .record(["fields": fields])]),
                ])
            ]),
        ])
    }

    private static func fields(of entity: EntitySchema) -> String { "fields-of-\(entity.name)" }

    private static func oneOrMore(_ schema: Value) -> Fields {
        ["anyOf": .list([schema, .record(["type": .string("array"), "items": schema])])]
    }
}
