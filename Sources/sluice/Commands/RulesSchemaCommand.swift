import ArgumentParser
import RuleSchema
import Rules

/// `rules schema`
struct RulesSchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Prints the JSON Schema of rule files, for editors.",
        discussion: """
            Editors with a YAML language server complete and check rule files by it. Put it beside them:

              sluice rules schema > rules/sluice-rules-1.json

            and begin each file with: # yaml-language-server: $schema=./sluice-rules-1.json
            """)

    @Flag(help: "That of files with tests of rules, sluice-rules-test-1.json.") var tests = false
    @Option(help: "Also the names of this org: a folder with <Entity>.avsc and <Entity>.json files.") var org: String?

    func validate() throws {
        if tests, org != nil { throw ValidationError("--org is for rule files: tests may use any name.") }
    }

    func run() throws {
        let schema = tests ? FileSchema.tests() : FileSchema.rules(org: try org.map(OrgSchema.named))
        Terminal.output.write(schema.text)
    }
}

extension OrgSchema {
    /// A snapshot that somebody named on the command line.
    static func named(_ folder: String) throws -> OrgSchema {
        do throws(OrgSchemaError) {
            return try OrgSchema(folder: folder)
        } catch {
            throw CommandFailure(.badInput, "\(error)")
        }
    }
}
