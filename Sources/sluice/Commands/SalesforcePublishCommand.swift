import ArgumentParser
import Events
import PubSub
import Salesforce

struct SalesforcePublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publishes platform events by the Pub/Sub API.",
        discussion: """
            Fields as JSON: with --data one event, otherwise a line of standard input for each. Fields that are left \
            out are null. Times are text such as 2026-01-31T12:00:00Z.

            With --stream they go over one PublishStream call, several requests at a time: faster for many. If that call \
            breaks, it is not known which of its last events were accepted; they are named as unknown, and publishing \
            them again with the same IDs lets consumers tell.
            """)

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "The topic, such as /event/Order_Ready__e.") var topic: String
    @Option(help: "The fields of one event, as a JSON object.") var data: String?
    @Flag(help: "Publish over one PublishStream call.") var stream = false
    @Flag(help: "Print JSON, a line for each event.") var json = false

    func run() async throws {
        let org = try org.load()
        let client = org.pubsub
        let failure: CommandFailure?
        do throws(PublishError) {
            let publisher = try await Publisher(topic: topic, client: client, authenticator: org.authenticator)
            let user = try await userID(org)
            let streaming = stream
                ? PublishStreaming(publisher, client: client, authenticator: org.authenticator) : nil
            var sender = EventSender(publisher: publisher, streaming: streaming, userID: user, json: json)
            var lines = EventLines(data: data)
            while let line = lines.next() { try await sender.add(line) }
            try await sender.finish()
            failure = sender.failures.asFailure
        } catch {
            failure = CommandFailure(error)
        }
        await client.close()
        if let failure { throw failure }
    }

    private func userID(_ org: SalesforceOrg) async throws(PublishError) -> String {
        do throws(SignInError) {
            // The server puts in who it was; the wire only wants a user's ID there.
            return try await org.authenticator.session().userID ?? "005000000000000AAA"
        } catch {
            throw .signIn(error)
        }
    }
}

private struct EventLines {
    private var single: [UInt8]?
    private var lines: InputLines?

    init(data: String?) {
        single = data.map { Array($0.utf8) }
        if data == nil { lines = InputLines() }
    }

    /// Empty lines are skipped.
    mutating func next() -> [UInt8]? {
        if let line = single {
            single = nil
            return line
        }
        while let line = lines?.next() {
            if line.contains(where: { $0 != 0x20 && $0 != 0x0D && $0 != 0x09 }) { return line }
        }
        return nil
    }
}

/// Gathers events into requests, and says what became of each.
private struct EventSender {
    /// Held back until so many are there.
    static let batch = 200

    let publisher: Publisher
    /// Nil: by unary calls.
    let streaming: PublishStreaming?
    let userID: String
    let json: Bool
    private(set) var failures = PublishFailures()
    private var number = 0
    private var waiting: [(number: Int, event: ProducerEvent)] = []
    /// On the stream, without an outcome yet.
    private var open: [(number: Int, id: String)] = []

    init(publisher: Publisher, streaming: PublishStreaming?, userID: String, json: Bool) {
        self.publisher = publisher
        self.streaming = streaming
        self.userID = userID
        self.json = json
    }

    mutating func add(_ line: [UInt8]) async throws(PublishError) {
        number += 1
        do {
            guard case .record(let fields) = try JSONReader.parse(line) else {
                return report(number, .refused("it is no JSON object"))
            }
            waiting.append((number, try publisher.event(fields, id: Self.newID(), createdBy: userID)))
        } catch {
            return report(number, .refused("\(error)"))
        }
        if waiting.count >= Self.batch { try await flush() }
    }

    mutating func flush() async throws(PublishError) {
        let sent = waiting
        waiting = []
        if let streaming {
            open += sent.map { ($0.number, $0.event.id) }
            return report(try await streaming.publish(sent.map(\.event)))
        }
        let outcomes = try await publisher.publish(sent.map(\.event))
        for (entry, outcome) in zip(sent, outcomes) { report(entry.number, outcome) }
    }

    mutating func finish() async throws(PublishError) {
        try await flush()
        if let streaming { report(try await streaming.finish()) }
    }

    private mutating func report(_ outcomes: [PublishStreaming.Outcome]) {
        for outcome in outcomes {
            let entry = open.removeFirst()
            switch outcome {
            case .known(let outcome): report(entry.number, outcome)
            case .unknown(let reason):
                failures.unknown += 1
                say(entry.number, "unknown whether it was accepted (id \(entry.id)): \(reason)")
            }
        }
    }

    private mutating func report(_ number: Int, _ outcome: Publisher.Outcome) {
        switch outcome {
        case .published(let replayID):
            let id = replayID.map { "\($0)" }
            if json {
                return printJSON(.record(["event": .int(Int64(number)), "replayId": id.map(Value.string) ?? .null]))
            }
            Terminal.output.write("event \(number): published\(id.map { ", replay ID \($0)" } ?? "")\n")
        case .refused(let reason):
            if outcome.isOverLimit { failures.overLimit += 1 } else { failures.refused += 1 }
            say(number, reason)
        }
    }

    private func say(_ number: Int, _ reason: String) {
        if json { return printJSON(.record(["event": .int(Int64(number)), "error": .string(reason)])) }
        Terminal.output.write("event \(number): not published: \(reason)\n")
    }

    /// A random UUID (version 4), by which consumers tell repetitions.
    private static func newID() -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let hex = Array(Hex.encode(bytes))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
    }
}

/// Events that were not published, by what has to be done about them.
private struct PublishFailures {
    /// For what they are.
    var refused = 0
    /// For a limit of the org.
    var overLimit = 0
    var unknown = 0

    /// Nil if there are none. What is wrong with an event counts more than what passes.
    var asFailure: CommandFailure? {
        var said: [String] = []
        if refused > 0 {
            said.append("\(counted(refused, "event")) not published, see above. Mend them and publish those again.")
        }
        if overLimit > 0 {
            said.append(
                "\(counted(overLimit, "event")) not published since a limit of the org is reached. Publish those again "
                    + "later; `sluice salesforce limits` shows how much of its limits is used.")
        }
        if unknown > 0 {
            said.append("Of \(counted(unknown, "event")) it is not known whether Salesforce took them: see above.")
        }
        guard !said.isEmpty else { return nil }
        return CommandFailure(refused > 0 ? .badInput : .environment, said.joined(separator: " "))
    }
}
