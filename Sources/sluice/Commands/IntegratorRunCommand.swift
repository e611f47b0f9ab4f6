import ArgumentParser
import Events
import IntegratorIO

struct IntegratorRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs a flow.",
        discussion:
            "The run is put into the flow's queue, which holds one. With --wait the command waits for its place there, "
            + "follows the run to its end, and exits with 1 unless it completed without errors. A run whose answer "
            + "is lost is looked for, and never posted twice.")

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "The flow's ID.") var id: String
    @Option(help: "Begin of the date window. Only delta exports look at it.") var from: MomentArgument?
    @Option(help: "End of the date window; by default now.") var until: MomentArgument?
    @Option(help: "Run only this source. May be repeated.") var export: [String] = []
    @Flag(help: "Follow the run to its end.") var wait = false
    @Option(parsing: .unconditional, help: "Seconds to wait for a place in the queue, and then for the run's end, at most.", transform: WholeNumber.atLeastZero.parse)
    var patience: Int?
    @Flag(help: "Run although checks say that it will not do as wished.") var force = false

    func run() async throws {
        let (client, body) = try prepared()
        try await check(client)
        let follower = RunFollower(client, time: .system)
        let patience = patience.map { Duration.seconds($0) }
        let isQuiet = options.json
        let report: @Sendable (RunFollower.Progress) -> Void = { progress in
            if !isQuiet { Terminal.error.write(RunText.line(progress)) }
        }
        let started = try await integratorAnswer { () throws(IntegratorFailure) in
            try await follower.start(flow: id, body, queueing: wait ? patience : .zero, report: report)
        }
        guard !started.jobs.isEmpty else {
            throw CommandFailure(
                .failed, "flow \(id) was taken to run, but no job of it is to be found; see `jobs --flow \(id)`")
        }
        guard wait else { return show(started) }
        let result = try await integratorAnswer { () throws(IntegratorFailure) in
            try await follower.follow(started.jobs, patience: patience, report: report)
        }
        Terminal.output.write(
            options.json ? jsonLine(RunText.value(result)) : Array((RunText.summary(result) + "\n").utf8))
        if result.outcome != .completed { throw CommandFailure(.failed) }
    }

    private func prepared() throws -> (IntegratorClient, RunBody) {
        let client = try options.client()
        guard let from else {
            guard until == nil else { throw CommandFailure(.badInput, "--until needs --from") }
            return (client.with(runBody: .none), RunBody(from: 0, until: 0, exports: export))
        }
        let end = until?.milliseconds ?? TimeSource.system.wall()
        guard from.milliseconds < end else { throw CommandFailure(.badInput, "the window ends before it begins") }
        guard client.settings.runBody != RunBody.Shape.none else { throw CommandFailure(.badInput, "--run-body none has no window") }
        return (client, RunBody(from: from.milliseconds, until: end, exports: export))
    }

    private func check(_ client: IntegratorClient) async throws {
        let activation = try await integratorAnswer { () throws(IntegratorFailure) in
            try await FlowActivation(client, flow: id, exports: export)
        }
        let findings = activation.findings.filter { $0.problem != .windowIgnored || from != nil }
        for finding in findings {
            Terminal.error.write("\(finding.effect == .blocks ? "problem" : "warning"): \(finding)\n")
        }
        guard !activation.isBlocked || force else {
            throw CommandFailure(.failed, "flow \(id) was not run; --force runs it nevertheless")
        }
    }

    private func show(_ started: RunFollower.Started) {
        if options.json {
            return Terminal.output.write(
                jsonLine(
                    .record([
                        "jobs": .list(started.jobs.map(Value.string)), "adopted": .bool(started.isAdopted),
                    ])))
        }
        if started.isAdopted { Terminal.error.write("The answer named no job; these appeared since:\n") }
        for job in started.jobs { Terminal.output.write("Queued as job \(job).\n") }
    }
}

/// A run in words and as JSON.
enum RunText {
    static func line(_ progress: RunFollower.Progress) -> String {
        switch progress {
        case .trouble(let reason): "waiting: \(reason)\n"
        case .job(let job):
            "job \(job.id): \(job.status.word), \(job.exported) exported, \(job.successes) done, \(job.errors) errors\n"
        }
    }

    static func summary(_ result: RunResult) -> String {
        let counts = "\(result.successes) done, \(counted(result.errors, "error"))"
        return switch result.outcome {
        case .completed where result.exported == 0: "Completed; nothing was in it."
        case .completed: "Completed: \(counts)."
        case .completedWithErrors: "Completed with errors: \(counts). integrator.io keeps the records; see `errors`."
        case .failed: "Failed: \(counts)."
        case .canceled: "Canceled: \(counts)."
        case .open: "Still open: \(result.open.joined(separator: ", "))."
        case .lost: "integrator.io no longer knows \(result.lost.joined(separator: ", "))."
        }
    }

    static func value(_ result: RunResult) -> Value {
        .record([
            "outcome": .string(result.outcome.rawValue), "exported": .int(Int64(result.exported)),
            "successes": .int(Int64(result.successes)), "errors": .int(Int64(result.errors)),
            "jobs": .list(
                result.ended.map { job in
                    .record([
                        "id": .string(job.id), "status": .string(job.status.word), "errors": .int(Int64(job.errors)),
                        "successes": .int(Int64(job.successes)), "exported": .int(Int64(job.exported)),
                    ])
                }),
            "open": .list(result.open.map(Value.string)), "lost": .list(result.lost.map(Value.string)),
        ])
    }
}
