import ArgumentParser
import Events
import Store

struct CursorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cursor", abstract: "Looks at how far each topic is relayed.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the cursor of every topic.")

        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let store = try options.readingStore()
            let cursors = try await storeAnswer { () async throws(StoreError) in try await store.cursors() }
            if json { return Terminal.output.write(Self.json(cursors)) }
            if cursors.isEmpty { return Terminal.output.write("No topic has been relayed yet.\n") }
            var table = Table(["ORG", "TOPIC", "REPLAY ID", "LAST COMMIT", "UPDATED"])
            for cursor in cursors {
                table.add([
                    cursor.key.org, cursor.key.topic, "\(cursor.replayID)",
                    cursor.commitTime.map(Timestamp.rfc3339) ?? "-", Timestamp.rfc3339(cursor.updatedAt),
                ])
            }
            Terminal.output.write(table.text)
        }

        static func json(_ cursors: [Cursor]) -> [UInt8] {
            var text = JSONText()
            text.value(.list(cursors.map(\.value)))
            return text.bytes + [UInt8(ascii: "\n")]
        }
    }
}

extension Cursor {
    /// For JSON output; times as RFC 3339.
    var value: Value {
        .record([
            "org": .string(key.org), "topic": .string(key.topic), "orgId": .string(orgID),
            "instanceUrl": .string(instanceURL), "replayId": .string("\(replayID)"),
            "commitTime": commitTime.map(Value.timestamp) ?? .null, "updatedAt": .timestamp(updatedAt),
        ])
    }
}
