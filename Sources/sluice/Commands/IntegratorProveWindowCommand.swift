import ArgumentParser
import Events
import FoundationEssentials
import IntegratorIO
import Rules

struct IntegratorProveWindowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove-window", abstract: "Finds out by real runs how a flow takes a date window.",
        discussion:
            "Celigo does not document it. Give a window in the past in which you know how many records changed: "
            + "the flow is run with it, once for each form of the request until one gives that number. The records are "
            + "exported again, so the flow must bear duplicates. Best is a window that ends before the flow's last "
            + "run. With --write the form that works is put into the rule file, as 'runBody' of the destination."
    )

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "The flow's ID.") var id: String
    @Option(help: "Begin of the window.") var from: MomentArgument
    @Option(help: "End of the window.") var until: MomentArgument
    @Option(parsing: .unconditional, help: "How many records it holds.", transform: WholeNumber.atLeastZero.parse)
    var expect: Int
    @Option(parsing: .unconditional, help: "How many more or less are as good.", transform: WholeNumber.atLeastZero.parse)
    var tolerance = 0
    @Option(help: "Run only this source. May be repeated.") var export: [String] = []
    @Option(parsing: .unconditional, help: "Seconds to wait for each run.", transform: WholeNumber.atLeastZero.parse)
    var patience = 3600
    @Option(help: "Also write the finding into this file, as JSON.") var save: String?
    @Flag(help: "Put the form that works into the rule file of the destination.") var write = false
    @Flag(help: "Do not ask before running the flow.") var yes = false

    func run() async throws {
        guard from.milliseconds < until.milliseconds, expect > 0, tolerance >= 0, tolerance < expect else {
            throw CommandFailure(
                .badInput,
                "a window begins before it ends, holds at least one record, and differs by less than it holds")
        }
        let client = try options.client()
        try await check(client)
        guard yes || isConfirmed("Run flow \(id) up to twice over this window?") else {
            throw CommandFailure(.badInput, "nothing was run; add --yes to do it")
        }
        let isQuiet = options.json
        let proof = WindowProof(
            from: from.milliseconds, until: until.milliseconds, expected: expect, tolerance: tolerance)
        let found = try await integratorAnswer { () throws(IntegratorFailure) in
            try await WindowProofRunner(client, time: .system).run(
                proof, flow: id, exports: export, patience: .seconds(patience)
            ) { progress in
                if !isQuiet { Terminal.error.write(Self.line(progress)) }
            }
        }
        try show(found.verdict, found.proof)
        guard case .works(let shape, _) = found.verdict else { throw CommandFailure(.failed) }
        if write { try put(shape) }
    }

    private func put(_ shape: RunBody.Shape) throws {
        let paths = [try options.platform.configuration.configuration().rulesPath]
        let name = try options.platform.destination(.integrator).destination.name
        let outcome: DestinationSetting.Outcome
        do throws(RuleFolderError) {
            let sources = try RuleFolder.read(paths: paths)
            outcome = DestinationSetting.set("runBody", to: shape.rawValue, of: name, in: sources)
            if case .changed(let source) = outcome {
                try RuleFixes.write(source.bytes, to: RuleFolder.file(source.path, in: paths))
            }
        } catch {
            throw CommandFailure(error)
        }
        switch outcome {
        case .changed(let source):
            Terminal.error.write("\(source.path): runBody: \(shape.rawValue) is set for \(name).\n")
        case .same(let path): Terminal.error.write("\(path) says runBody: \(shape.rawValue) already.\n")
        case .notFound:
            throw CommandFailure(
                .failed, "the rule file was not changed: write runBody: \(shape.rawValue) into destination \(name)")
        }
    }

    private func check(_ client: IntegratorClient) async throws {
        let activation = try await integratorAnswer { () throws(IntegratorFailure) in
            try await FlowActivation(client, flow: id, exports: export)
        }
        for finding in activation.findings { Terminal.error.write("problem: \(finding)\n") }
        // What ignores the window or waits for hours proves nothing.
        guard activation.findings.isEmpty else {
            throw CommandFailure(.failed, "nothing was run: mend this first, then prove again")
        }
    }

    private func show(_ verdict: WindowProof.Verdict, _ proof: WindowProof) throws {
        let document = jsonLine(Self.value(verdict, proof, flow: id))
        if let save, !FileManager.default.createFile(atPath: save, contents: Data(document)) {
            throw CommandFailure(.failed, "cannot write \(save): is the folder there?")
        }
        if options.json { return Terminal.output.write(document) }
        switch verdict {
        case .works(let shape, let watermark):
            Terminal.output.write("The window works.\n\n  runBody: \(shape.rawValue)\n\n\(Self.said(watermark))\n")
            if proof.isWeak {
                Terminal.error.write(
                    "warning: the window ends after the flow's last export, so an ordinary run could give the same "
                        + "number; prove it again with an earlier window.\n")
            }
        case .none:
            Terminal.output.write(
                "No form of the request gave \(expect) records. If a run gave more, its source looks only at the "
                    + "window's begin, or not at the window; if fewer, are the dates and the number right?\n")
        }
    }

    private static func said(_ watermark: WindowProof.Watermark) -> String {
        switch watermark {
        case .unmoved: "Such a run leaves the flow's own lastExportDateTime alone."
        case .atWindowEnd: "Such a run moves the flow's own lastExportDateTime to the window's end."
        case .moved: "Such a run moves the flow's own lastExportDateTime."
        case .unknown: "What such a run does to the flow's own lastExportDateTime could not be seen."
        }
    }

    private static func line(_ progress: WindowProofRunner.Progress) -> String {
        switch progress {
        case .trying(let shape): "running with the \(shape.rawValue) form\n"
        case .run(let progress): "  " + RunText.line(progress)
        case .tried(let trial): "\(trial.shape.rawValue): \(text(trial))\n"
        }
    }

    private static func text(_ trial: WindowProof.Trial) -> String {
        switch trial.result {
        case .matches: "\(counted(trial.exported, "record")), as expected"
        case .more: "\(counted(trial.exported, "record")), more than expected"
        case .fewer: "\(counted(trial.exported, "record")), fewer than expected"
        case .refused(let reason): "refused: \(reason)"
        case .didNotComplete(let outcome): "the run did not complete (\(outcome.rawValue))"
        }
    }

    private static func value(_ verdict: WindowProof.Verdict, _ proof: WindowProof, flow: String) -> Value {
        var fields: Fields = ["flow": .string(flow), "runBody": .null, "watermark": .null]
        if case .works(let shape, let watermark) = verdict {
            fields["runBody"] = .string(shape.rawValue)
            fields["watermark"] = .string(watermark.rawValue)
        }
        fields.append("weak", .bool(proof.isWeak))
        fields.append(
            "trials",
            .list(
                proof.trials.map { trial in
                    .record([
                        "runBody": .string(trial.shape.rawValue), "exported": .int(Int64(trial.exported)),
                        "result": .string(text(trial)), "watermark": .string(trial.watermark.rawValue),
                    ])
                }))
        return .record(fields)
    }
}
