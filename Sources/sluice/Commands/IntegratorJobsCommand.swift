import ArgumentParser
import Events
import IntegratorIO

struct IntegratorJobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Lists jobs, newest first.",
        discussion: "Name a flow, an integration, an export, an import, a run or a time.")

    @OptionGroup var options: IntegratorOptions
    @Option(help: "Runs of this flow.") var flow: String?
    @Option(help: "Runs of this integration's flows.") var integration: String?
    @Option(help: "Jobs of this export.") var export: String?
    @Option(help: "Jobs of this import.") var `import`: String?
    @Option(help: "The steps of this run; needs --type export or import.") var run: String?
    @Option(help: "Created from then on.") var from: MomentArgument?
    @Option(help: "Created until then.") var until: MomentArgument?
    @Option(help: "queued, running, completed, failed, …") var status: String?
    @Option(help: "flow, export, import, retry or bulk_retry.") var type: String?
    @Option(parsing: .unconditional, help: "So many at most.", transform: WholeNumber.atLeastOne.parse)
    var limit = 100
    @Flag(help: "Only those that run now.") var current = false
    @Flag(help: "Only the newest of each source; needs --flow.") var latest = false

    func run() async throws {
        let client = try options.client()
        let answer = try await integratorAnswer { () throws(IntegratorFailure) in try await self.answer(client) }
        if options.json { return Terminal.output.write(jsonLine(answer.json)) }
        if answer.content.isEmpty { return Terminal.error.write("No jobs.\n") }
        var table = Table(["ID", "TYPE", "STATUS", "CREATED", "DONE", "ERRORS", "OPEN", "FLOW"])
        for job in answer.content {
            table.add([
                job.id, job.type.isEmpty ? "-" : job.type, job.status.word, job.createdAt.map(ISOTime.text) ?? "-",
                String(job.successes), String(job.errors), String(job.openErrors), job.references.flow ?? "-",
            ])
        }
        Terminal.output.write(table.text)
    }

    private func answer(
        _ client: IntegratorClient
    ) async throws(IntegratorFailure) -> IntegratorAnswer<[IntegratorJob]> {
        if current { return try await client.currentJobs(flow: flow) }
        if latest, let flow { return try await client.describedLatestJobs(flow: flow) }
        var filter = IntegratorJobFilter(flow: flow, createdFrom: from?.milliseconds)
        filter.integration = integration
        filter.export = export
        filter.importer = `import`
        filter.flowJob = self.run
        filter.createdUntil = until?.milliseconds
        filter.status = status
        filter.type = type
        return try await client.jobs(filter, limit: limit)
    }
}

struct IntegratorJobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Looks at one job, or ends it.",
        subcommands: [Show.self, Cancel.self, Diagnostics.self, Errors.self], defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows a job.")

        @OptionGroup var options: IntegratorOptions
        @Argument(help: "The job's ID.") var id: String

        func run() async throws {
            let client = try options.client()
            let job = try await integratorAnswer { () throws(IntegratorFailure) in try await client.describedJob(id) }
            Terminal.output.write(options.json ? jsonLine(job.json) : Array(Self.text(job.content).utf8))
        }

        private static func text(_ job: IntegratorJob) -> String {
            func time(_ time: Int64?) -> String { time.map(ISOTime.text) ?? "-" }
            var lines = [
                "Job       \(job.id) (\(job.type.isEmpty ? "type unknown" : job.type))", "Status    \(job.status.word)",
                "Flow      \(job.references.flow ?? "-")", "Created   \(time(job.createdAt))",
                "Started   \(time(job.startedAt))", "Ended     \(time(job.endedAt))",
                "Records   \(job.exported) exported, \(job.successes) done, \(job.ignored) ignored",
                "Errors    \(job.errors), \(job.openErrors) of them open", "Pages     \(job.pages)",
            ]
            // "completed" and "failed" alone say less than people read into them.
            if job.status == .failed, job.pages == 0 {
                lines.append("Note      the source failed: nothing was exported")
            }
            if job.status == .completed, job.exported + job.successes + job.errors + job.ignored == 0 {
                lines.append("Note      nothing matched: either there was nothing, or the window is wrong")
            }
            return lines.joined(separator: "\n") + "\n"
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Asks a job to end.")

        @OptionGroup var options: IntegratorOptions
        @Argument(help: "The job's ID.") var id: String

        func run() async throws {
            let client = try options.client()
            let job = try await integratorAnswer { () throws(IntegratorFailure) in try await client.cancelJob(id) }
            let status = job?.status.word ?? "canceling"
            let line = jsonLine(.record(["id": .string(id), "status": .string(status)]))
            Terminal.output.write(options.json ? line : Array("Job \(id) is \(status).\n".utf8))
        }
    }

    struct Diagnostics: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the address where diagnostics can be downloaded for a while.",
            discussion: "Who has the address has the file.")

        @OptionGroup var options: IntegratorOptions
        @Argument(help: "The job's ID.") var id: String

        func run() async throws {
            let client = try options.client()
            let url = try await integratorAnswer { () throws(IntegratorFailure) in try await client.diagnostics(job: id)
            }
            let line = jsonLine(.record(["signedURL": .string(url.exposed)]))
            Terminal.output.write(options.json ? line : Array((url.exposed + "\n").utf8))
        }
    }

    struct Errors: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the errors of a job as JSON, for accounts that do not keep them by flow.")

        @OptionGroup var options: IntegratorOptions
        @Argument(help: "The job's ID.") var id: String
        @Flag(help: "Print the address of the error file instead.") var file = false

        func run() async throws {
            let client = try options.client()
            let document = try await integratorAnswer { () throws(IntegratorFailure) -> Value in
                if file { return .record(["signedURL": .string(try await client.legacyErrorFile(job: id).exposed)]) }
                return .list(try await client.legacyErrors(job: id))
            }
            Terminal.output.write(jsonLine(document))
        }
    }
}
