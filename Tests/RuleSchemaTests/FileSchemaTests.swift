import Events
import FoundationEssentials
import Rules
import Testing

@testable import RuleSchema

@Suite struct FileSchemaTests {
    static let schemas = [FileSchema.rules(), FileSchema.tests()]

    @Test(arguments: schemas.indices)
    func `the committed file is what is generated`(index: Int) throws {
        let schema = Self.schemas[index]
        // For a person who changed a key table: writes the files, to read the difference.
        if ProcessInfo.processInfo.environment["SLUICE_UPDATE_SCHEMAS"] != nil {
            try Data(schema.text.utf8).write(to: URL(filePath: Package.path("schemas/\(schema.name)")))
        }
        let committed = String(decoding: try Package.bytes("schemas/\(schema.name)"), as: UTF8.self)
        #expect(committed == schema.text, "run the tests with SLUICE_UPDATE_SCHEMAS=1")
    }

    @Test func `they say what they are`() throws {
        for (schema, name) in zip(Self.schemas, ["sluice-rules-1.json", "sluice-rules-test-1.json"]) {
            let fields = try #require(schema.value.fields)
            #expect(fields["$schema"] == .string("http://json-schema.org/draft-07/schema#"))
            guard case .string(let id)? = fields["$id"] else { return #expect(Bool(false), "no $id") }
            #expect(id.hasSuffix("/\(name)") || id.hasSuffix(":\(name)"))
            #expect(try JSONReader.parse(schema.text) == schema.value)
        }
    }

    @Test(arguments: schemas.indices)
    func `every key has a description, and no map takes keys that it does not know`(index: Int) {
        var maps = 0
        Self.visit(Self.schemas[index].value, []) { schema, path in
            guard case .record(let properties)? = schema["properties"], schema["type"] == .string("object") else {
                return
            }
            maps += 1
            #expect(schema["additionalProperties"] == .bool(false), "\(path)")
            for property in properties.fields {
                guard case .string(let text)? = property.value.fields?["description"] else {
                    Issue.record("\(path) \(property.name) has no description")
                    continue
                }
                #expect(!text.isEmpty)
            }
        }
        #expect(maps >= 8)
    }

    @Test func `every default is one that the key takes`() {
        for schema in Self.schemas {
            let definitions = schema.value.fields?["definitions"] ?? .record(Fields())
            Self.visit(schema.value, []) { map, path in
                guard case .record(let properties)? = map["properties"] else { return }
                for property in properties.fields {
                    guard var inner = property.value.fields, let value = inner["default"] else { continue }
                    inner["definitions"] = definitions
                    #expect(SchemaValidator(.record(inner)).problems(in: value) == [], "\(path) \(property.name)")
                }
            }
        }
    }

    @Test func `expressions and templates are marked for editors`() {
        let text = FileSchema.rules().text
        #expect(text.contains(#""format": "sluice-cel""#) && text.contains(#""format": "sluice-template""#))
    }

    @Test func `conditions name keys that are there`() {
        Self.visit(FileSchema.rules().value, []) { schema, path in
            guard case .record(let properties)? = schema["properties"], case .list(let conditions)? = schema["allOf"],
                schema["type"] == .string("object")
            else { return }
            let optional: Set = ["url", "baseUrl", "sign"]
            for condition in conditions {
                for part in ["if", "then", "else"] {
                    guard let part = condition.fields?[part]?.fields else { continue }
                    if case .list(let names)? = part["required"] {
                        for case .string(let name) in names { #expect(properties[name] != nil, "\(path) \(name)") }
                    }
                    for name in part["properties"]?.fields?.fields.map(\.name) ?? [] where !optional.contains(name) {
                        #expect(properties[name] != nil, "\(path) \(name)")
                    }
                }
            }
        }
    }

    private static func visit(_ value: Value, _ path: [String], _ body: (Fields, [String]) -> Void) {
        switch value {
        case .record(let fields):
            body(fields, path)
            for field in fields.fields where field.name != "default" { visit(field.value, path + [field.name], body) }
        case .list(let elements): for element in elements { visit(element, path, body) }
        default: break
        }
    }
}

@Suite struct OrgNamesTests {
    private static let folder = Package.path("Tests/RulesTests/Corpus/schema")

    private func problems(_ match: String, needs: String = "") throws -> [SchemaValidator.Problem] {
        let schema = FileSchema.rules(org: try OrgSchema(folder: Self.folder))
        let text = #"{"sluice":1,"rules":[{"id":"a","match":\#(match),\#(needs)"to":{"destination":"x","body":{}}}]}"#
        return SchemaValidator(schema.value).problems(in: try JSONReader.parse(text))
    }

    @Test func `objects are those of the org`() throws {
        #expect(try problems(#"{"entity":"Account","change":"update"}"#) == [])
        #expect(try problems(#"{"entity":["*"],"change":"update"}"#) == [])
        #expect(try problems(#"{"event":"Order_Ready__e"}"#) == [])
        #expect(try !problems(#"{"entity":"Acount","change":"update"}"#).isEmpty)
        #expect(try !problems(#"{"entity":["Account","Acount"],"change":"update"}"#).isEmpty)
    }

    @Test func `fields are those of the one object`() throws {
        for entity in [#""Opportunity""#, #"["Opportunity"]"#] {
            #expect(try problems(#"{"entity":\#(entity),"change":"update","changed":["StageName"]}"#) == [])
            #expect(
                try problems(
                    #"{"entity":\#(entity),"change":"update","changed":{"any":["StageName"]},"cleared":"StageName"}"#)
                    == [])
            for wrong in [#""changed":["StagName"]"#, #""changed":{"none":["StagName"]}"#, #""cleared":["StagName"]"#] {
                let found = try problems(#"{"entity":\#(entity),"change":"update",\#(wrong)}"#)
                #expect(found.contains { $0.path.starts(with: ["rules", "0", "match"]) }, "\(wrong)")
            }
        }
        let needs = try problems(
            #"{"entity":"Opportunity","change":"update"}"#, needs: #""needs":{"fields":["Amunt"]},"#)
        #expect(needs.contains { $0.path.starts(with: ["rules", "0", "needs", "fields"]) })
    }

    @Test func `of several objects nothing is said`() throws {
        #expect(try problems(#"{"entity":["Opportunity","Account"],"change":"update","changed":["StagName"]}"#) == [])
    }

    @Test func `lint and schema agree about the snapshot's corpus`() throws {
        let schema = FileSchema.rules(org: try OrgSchema(folder: Self.folder))
        let options = Lint.Options(schema: try OrgSchema(folder: Self.folder))
        for name in ["schema-unknown-entity", "schema-unknown-field", "schema-clean"] {
            let bytes = try Package.bytes("Tests/RulesTests/Corpus/\(name).yaml")
            let value = try #require(SchemaAgreementTests.value(of: bytes))
            let findings = Lint.check([RuleSource(path: "a.yaml", bytes: bytes)], options: options).findings
            // Names in expressions are no business of a schema.
            let isNamed = findings.contains { [.unknownEntity, .unknownField].contains($0.code) }
            #expect(SchemaValidator(schema.value).problems(in: value).isEmpty == !isNamed, "\(name)")
        }
    }
}

extension Value {
    fileprivate var fields: Fields? { if case .record(let fields) = self { fields } else { nil } }
}
