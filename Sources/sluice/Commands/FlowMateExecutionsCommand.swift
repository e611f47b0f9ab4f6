import ArgumentParser
import Events
import FlowMate

struct FlowMateExecutionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "executions", abstract: "Counts what FlowMate ran.",
        discussion: "An execution is one step, not one run of a flow.")

    @OptionGroup var options: FlowMateOptions
    @Option(help: "First day, as 2026-11-22. By default seven days ago.") var from: String?
    @Option(help: "Last day. By default today.") var until: String?
    @Option(help: "user, flow or component.") var by = FlowMateExecutions.Grouping.flow

    func run() async throws {
        let client = try options.client()
        let now = TimeSource.system.wall()
        let first = from ?? Timestamp.dateOnly(now - 7 * 86_400_000)
        let last = until ?? Timestamp.dateOnly(now)
        let answer = try await flowMateAnswer { () throws(FlowMateError) in
            try await client.executions(from: first, until: last, by: by)
        }
        if options.json { return Terminal.output.write(jsonLine(answer.json)) }
        var table = Table([by.rawValue.uppercased(), "EXECUTIONS", "NAME"])
        for row in answer.content.rows { table.add([row.id, String(row.count), row.name?.printable ?? "-"]) }
        Terminal.output.write(table.text)
        if answer.content.unreadable > 0 {
            Terminal.error.write(
                "\(counted(answer.content.unreadable, "entry")) of the answer hold no count; see --json.\n")
        }
    }
}

extension FlowMateExecutions.Grouping: ExpressibleByArgument {}
