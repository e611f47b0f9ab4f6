import ArgumentParser
import Events
import FlowMate
import Relay
import Store

struct FlowMateReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Compares what webhooks accepted with what FlowMate executed.",
        discussion:
            "FlowMate answers before an event is safe, so a breakdown inside can lose it: this is where it shows. A "
            + "running relay does it once a day by itself. An execution is one step, so only a count below the accepted "
            + "events proves a loss. Exits with 1 if there is one.")

    @OptionGroup var options: FlowMateOptions
    @Option(help: "A day (UTC), as 2026-11-22. By default all that are kept, without today.") var day: String?

    func validate() throws {
        guard let day, !FlowMateClient.isDay(day) else { return }
        throw ValidationError("'\(day)' is no day; write it as 2026-11-22.")
    }

    func run() async throws {
        let destination = try options.platform.destination(.flowmate)
        let client = try options.client(of: destination)
        let counts = try await counts(of: destination.destination.name)
        let today = AcceptedCounts.day(TimeSource.system.wall())
        let days = counts.all.map(\.day).filter { number in
            day.map { $0 == AcceptedCounts.name(of: number) } ?? (number < today)
        }.sorted()
        guard !days.isEmpty else {
            throw CommandFailure(
                .failed, "nothing is known of \(day ?? "any day before today"): no delivery was counted")
        }
        var table = Table(["DAY", "FLOW", "ACCEPTED", "EXECUTED", "LOST"])
        var lines: [Value] = []
        var isShort = false
        for number in days {
            let name = AcceptedCounts.name(of: number)
            let executed = try await flowMateAnswer { () throws(FlowMateError) in
                try await client.executions(from: name, until: name, by: .flow)
            }
            let short = try await flowMateAnswer { () throws(FlowMateError) in
                try await client.compare(counts, day: number, name: AcceptedCounts.name(of:))
            }
            isShort = isShort || !short.isEmpty
            let rows = Dictionary(executed.content.rows.map { ($0.id, $0.count) }, uniquingKeysWith: +)
            for (flow, accepted) in counts.accepted(number...number).sorted(by: { $0.key < $1.key }) {
                let lost = short.first { $0.flow == flow }.map { $0.accepted - $0.executions }
                table.add([
                    name, flow, "\(accepted)", "\(rows[flow] ?? 0)", lost.map { "\($0) or more" } ?? "-",
                ])
                lines.append(
                    .record([
                        "day": .string(name), "flow": .string(flow), "accepted": .int(accepted),
                        "executed": .int(rows[flow] ?? 0), "lost": .int(lost ?? 0),
                    ]))
            }
        }
        Terminal.output.write(options.json ? jsonLine(.list(lines)) : Array(table.text.utf8))
        if isShort {
            throw CommandFailure(
                .failed, "FlowMate lost events; `sluice replay` can send a time span again")
        }
    }

    private func counts(of name: String) async throws -> AcceptedCounts {
        let store = try options.platform.configuration.readingStore()
        return try await storeAnswer { () throws(StoreError) in
            try await AcceptedCounts(kept: store, of: name)
        }
    }
}
