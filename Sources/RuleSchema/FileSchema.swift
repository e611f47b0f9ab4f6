import Documents
import Events
import RuleTests
import Rules

/// The JSON Schema (draft-07, which the common YAML language server reads) of a kind of file, made from the key tables
/// by which such files are read.
package struct FileSchema: Sendable {
    /// Files are named like the last part of their `$id`.
    package let name: String
    package let value: Value

    /// Of rule files.
    ///
    /// - Parameter org: names the objects that `match` may take, and the fields of each; nil allows every name.
    package static func rules(org: OrgSchema? = nil) -> FileSchema {
        let names = org.flatMap { $0.entities.isEmpty ? nil : OrgNames($0) }
        return FileSchema(
            name: "sluice-rules-1.json", title: "Rules of Sluice", table: RuleKeys.file, names: names,
            treesAreTemplates: true)
    }

    /// Of files with tests of rules.
    package static func tests() -> FileSchema {
        FileSchema(
            name: "sluice-rules-test-1.json", title: "Tests of rules of Sluice", table: TestKeys.file, names: nil,
            treesAreTemplates: false)
    }

    private init(name: String, title: String, table: KeyTable, names: OrgNames?, treesAreTemplates: Bool) {
        self.name = name
        var writer = TableSchemas(names: names, treesAreTemplates: treesAreTemplates)
        let root = writer.schema(of: table)
        var schema: Fields = [
            "$schema": .string("http://json-schema.org/draft-07/schema#"),
            "$id": .string("urn:sluice:schemas:\(name)"), "title": .string(title),
        ]
        for field in root.fields { schema.append(field.name, field.value) }
        schema.append("definitions", .record(Fields(writer.definitions)))
        value = .record(schema)
    }

    /// Indented, ended by a newline.
    package var text: String { IndentedJSON.text(value) }
}

/// JSON with two spaces of indentation; lists of plain values on one line.
enum IndentedJSON {
    static func text(_ value: Value) -> String {
        var text = ""
        append(value, indent: 0, to: &text)
        return text + "\n"
    }

    private static func append(_ value: Value, indent: Int, to text: inout String) {
        switch value {
        case .record(let fields) where !fields.isEmpty:
            text += "{"
            for (index, field) in fields.fields.enumerated() {
                text += (index == 0 ? "\n" : ",\n") + spaces(indent + 2) + plain(.string(field.name)) + ": "
                append(field.value, indent: indent + 2, to: &text)
            }
            text += "\n" + spaces(indent) + "}"
        case .list(let elements) where elements.contains(where: isMap):
            text += "["
            for (index, element) in elements.enumerated() {
                text += (index == 0 ? "\n" : ",\n") + spaces(indent + 2)
                append(element, indent: indent + 2, to: &text)
            }
            text += "\n" + spaces(indent) + "]"
        case .list(let elements): text += "[" + elements.map(plain).joined(separator: ", ") + "]"
        default: text += plain(value)
        }
    }

    private static func isMap(_ value: Value) -> Bool {
        if case .record = value { true } else { false }
    }

    private static func plain(_ value: Value) -> String {
        var json = JSONText()
        json.value(value)
        return json.string
    }

    private static func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }
}
