import ArgumentParser
import Events
import FlowMate
import Relay

struct FlowMateMapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "map", abstract: "Shows users, their flows, and the rules that deliver to them.",
        discussion: "With --user, exits with 1 if an event for that user would go to no flow.")

    @OptionGroup var options: FlowMateOptions
    @Option(help: "Only this user, by the ID that your system gave: who would get an event?") var user: String?

    func run() async throws {
        let destination = try options.platform.destination(.flowmate)
        let client = try options.client(of: destination)
        let seen = try await flowMateAnswer { () throws(FlowMateError) in try await client.scan() }
        var directory = FlowDirectory(settings: FlowDirectory.Settings(destination.destination.discovery))
        _ = directory.apply(users: seen.users, scan: seen.flows, at: 0)
        let uses = destination.rules.flowMateUses(of: destination.destination.name)
        var map = FlowMap(directory: directory, uses: uses)
        if let user { map = map.only(user: user) }
        Terminal.output.write(options.json ? jsonLine(map.value) : Array(map.text.utf8))
        if let user { try Self.say(directory.resolve(user: user), of: user) }
    }

    private static func say(_ resolution: FlowResolution, of user: String) throws {
        switch resolution {
        case .flows(let flows) where !flows.isEmpty: return
        case .flows: throw CommandFailure(.failed, "'\(user)' has no flow that takes events")
        case .unknownUser: throw CommandFailure(.badInput, "FlowMate has no user '\(user)'")
        case .userNotActive(let status): throw CommandFailure(.failed, "'\(user)' is \(status), so nothing is sent")
        case .ambiguous(let ids):
            throw CommandFailure(
                .failed, "'\(user)' is the name of \(ids.count) users (\(ids.joined(separator: ", "))); nothing is sent"
            )
        case .notScanned: throw CommandFailure(.failed, "FlowMate shows neither users nor flows")
        }
    }
}

extension FlowMap {
    fileprivate var text: String {
        var table = Table(["USER", "FLOW", "EVENTS", "RULES", "NAME"])
        for line in users {
            let name = line.user?.username.printable ?? "(nobody)"
            if line.flows.isEmpty { table.add([name, "-", "no flows", "-", "-"]) }
            for flow in line.flows {
                let state =
                    flow.exclusion.map { "no: \($0)" } ?? (line.isAmbiguous ? "no: two users of this name" : "yes")
                table.add([
                    name, flow.flow.id, state, flow.rules.isEmpty ? "-" : flow.rules.joined(separator: ", "),
                    flow.flow.name.printable,
                ])
            }
        }
        let unknown = unknownFlows.sorted { $0.key < $1.key }.map { id, rules in
            "flow \(id) of \(rules.joined(separator: ", ")) does not exist in FlowMate\n"
        }
        return table.text + unknown.joined()
    }

    fileprivate var value: Value {
        let lines = users.map { line in
            Value.record([
                "user": line.user.map { .string($0.username) } ?? .null,
                "userId": line.user.map { .string($0.id) } ?? .null,
                "status": line.user?.status.map(Value.string) ?? .null, "ambiguous": .bool(line.isAmbiguous),
                "flows": .list(line.flows.map(Self.value)),
            ])
        }
        let unknown = unknownFlows.sorted { $0.key < $1.key }.map { id, rules in
            Value.record(["id": .string(id), "rules": .list(rules.map(Value.string))])
        }
        return .record(["users": .list(lines), "unknownFlows": .list(unknown)])
    }

    private static func value(_ line: FlowLine) -> Value {
        .record([
            "id": .string(line.flow.id), "name": .string(line.flow.name), "status": .string(line.flow.status),
            "takesEvents": .bool(line.exclusion == nil),
            "reason": line.exclusion.map { .string("\($0)") } ?? .null,
            "rules": .list(line.rules.map(Value.string)),
        ])
    }
}
