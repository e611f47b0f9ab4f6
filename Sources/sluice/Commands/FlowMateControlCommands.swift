import ArgumentParser
import Events
import FlowMate

struct FlowMateStartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Starts flows.",
        discussion:
            "FlowMate does it within seconds. A flow whose deployment fails goes back to inactive without a word.")

    @OptionGroup var options: FlowMateOptions
    @Argument(help: "IDs of flows.") var ids: [String]

    func run() async throws { try await FlowMateControl(options: options, control: .start, ids: ids).run() }
}

struct FlowMateStopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stops flows. Their webhooks answer 404 from that moment.")

    @OptionGroup var options: FlowMateOptions
    @Argument(help: "IDs of flows.") var ids: [String]

    func run() async throws { try await FlowMateControl(options: options, control: .stop, ids: ids).run() }
}

private struct FlowMateControl {
    let options: FlowMateOptions
    let control: FlowMateClient.Control
    let ids: [String]

    func run() async throws {
        let client = try options.client()
        let results = try await flowMateAnswer { () throws(FlowMateError) in
            ids.count == 1
                ? [try await client.control(control, flow: ids[0])] : try await client.control(control, flows: ids)
        }
        if options.json {
            Terminal.output.write(jsonLine(.list(results.map(\.value))))
        } else {
            for result in results { Terminal.output.write("\(result.flow ?? "a flow")  \(said(result))\n") }
        }
        let failures = results.count { !$0.succeeded }
        if failures > 0 { throw CommandFailure(.failed, "\(counted(failures, "flow")) of \(results.count) failed") }
    }

    private func said(_ result: FlowMateControlResult) -> String {
        switch result.outcome {
        case .accepted(let status): "is \(status)"
        case .already: control == .start ? "is not inactive already" : "is not active already"
        case .failed(let status, let message): "failed (\(status)): \(message)"
        }
    }
}

extension FlowMateControlResult {
    fileprivate var value: Value {
        var fields: Fields = ["id": flow.map(Value.string) ?? .null]
        switch outcome {
        case .accepted(let status): fields.append("status", .string(status))
        case .already: fields.append("status", .string("already"))
        case .failed(let status, let message):
            fields.append("status", .string("failed"))
            fields.append("code", .int(Int64(status)))
            fields.append("message", .string(message))
        }
        return .record(fields)
    }
}

struct FlowMateProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe", abstract: "Asks whether a flow's webhook is up, without running the flow.",
        discussion: "Sends HEAD, which not every gateway lets pass. Exits with 1 if the webhook is not up.")

    @OptionGroup var options: FlowMateOptions
    @Argument(help: "The flow's ID.") var id: String

    func run() async throws {
        let client = try options.client()
        let probe = try await flowMateAnswer { () throws(FlowMateError) in
            try await client.probeWebhook(flow: id)
        }
        if options.json {
            let isReady: Value =
                switch probe {
                case .ready: .bool(true)
                case .absent: .bool(false)
                case .methodRefused: .null
                }
            Terminal.output.write(jsonLine(.record(["id": .string(id), "ready": isReady])))
        }
        switch probe {
        case .ready:
            if !options.json { Terminal.output.write("The webhook of flow \(id) is up.\n") }
        case .absent:
            throw CommandFailure(
                .failed, "flow \(id) has no webhook that answers: it is unknown, stopped, starting or scheduled")
        case .methodRefused(let status):
            throw CommandFailure(
                .failed,
                "the webhook of flow \(id) cannot be probed: something before FlowMate refuses HEAD (\(status)), and a GET "
                    + "would run the flow. `sluice flowmate flow show \(id)` tells whether the flow is active")
        }
    }
}
