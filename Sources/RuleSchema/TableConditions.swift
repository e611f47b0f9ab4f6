import Documents
import Events

/// What the decoders of single maps demand beyond their key tables, as far as the map itself decides it: keys that go
/// together, and keys that exclude each other. A test holds both against the same files.
enum TableConditions {
    static func conditions(of table: KeyTable) -> [Value] {
        switch table.name {
        case "match": [match]
        case "a delivery" where table.key("flow") != nil: delivery
        case "a test": [oneOf("event", "events")]
        case "sign": [sign]
        case "a destination": [plainHTTP, concurrency]
        case "changed": [.record(["minProperties": .int(1)])]
        default: []
        }
    }

    static func dependencies(of table: KeyTable) -> Value? {
        guard table.name == "tls" else { return nil }
        return .record(["cert": .texts("key"), "key": .texts("cert")])
    }

    /// Keys that are required of one kind.
    static func required(in table: KeyTable, kind: String) -> [String] {
        guard table.name == "a destination" else { return [] }
        return switch kind {
        case "webhook": ["url"]
        case "salesforce": ["org"]
        default: ["baseUrl"]
        }
    }

    // MARK: match

    /// Platform events have no change header; change events must say which changes.
    private static let match = given(
        ["event"], then: without(["entity", "change", "ignore"]),
        otherwise: .record(["required": .texts("entity", "change")]))

    // MARK: Deliveries

    private static let delivery = [
        given(["flow"], then: without(["fanOut", "listener", "body"])),
        given(["fanOut"], then: without(["coalesce"])),
        given(["listener"], then: without(["window", "exports"])),
        given(["body"], then: without(["data", "cloudevent"])),
        given(["cloudevent"], then: .record(["required": .texts("format", "data")])),
    ]

    // MARK: Destinations

    private static let sign: Value = .record([
        "if": .record([
            "properties": .record(["scheme": .record(["const": .string("hmac")])]), "required": .texts("scheme"),
        ]),
        "then": .record(["required": .texts("algorithm", "encoding", "header")]),
        "else": without(["algorithm", "encoding", "header", "prefix"]),
    ])

    /// Without `allowHttp`, TLS.
    private static let plainHTTP: Value = {
        let secure = Value.record(["pattern": .string("^https://")])
        return .record([
            "if": .record([
                "properties": .record(["allowHttp": .record(["const": .bool(true)])]), "required": .texts("allowHttp"),
            ]),
            "else": .record(["properties": .record(["url": secure, "baseUrl": secure])]),
        ])
    }()

    /// Of no use to a kind that has no address of its own.
    static func asksForPlainHTTP(_ condition: Value) -> Bool { condition == plainHTTP }

    private static let concurrency = Value.record([
        "properties": .record([
            "concurrency": .record([
                "anyOf": .list([
                    .record(["type": .string("integer"), "minimum": .int(1), "maximum": .int(256)]),
                    .record(["const": .string("auto")]),
                ])
            ])
        ])
    ])

    // MARK: Forms

    private static func given(_ names: [String], then: Value, otherwise: Value? = nil) -> Value {
        var condition: Fields = ["if": .record(["required": .list(names.map(Value.string))]), "then": then]
        if let otherwise { condition.append("else", otherwise) }
        return .record(condition)
    }

    private static func oneOf(_ first: String, _ second: String) -> Value {
        given([first], then: without([second]), otherwise: .record(["required": .texts(second)]))
    }

    private static func without(_ names: [String]) -> Value {
        .record(["properties": .record(Fields(names.map { Fields.Field(name: $0, value: .bool(false)) }))])
    }
}
