import ArgumentParser
import Events
import PubSub
import Relay
import Salesforce
import SalesforceREST

struct SalesforceTopicsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topics", abstract: "Lists the topics of the org, or asks about one.",
        discussion: """
            A list comes from the org's objects: change events of objects that are selected in Setup > Change Data \
            Capture, platform events, and channels. About one topic the Pub/Sub API itself is asked: what this user \
            may do, and its schema.
            """)

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "A topic, such as /data/AccountChangeEvent.") var topic: String?
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let org = try org.load()
        if let topic { return try await show(topic, org) }
        let topics = try await salesforceAnswer { () async throws(RESTError) in try await TopicList(org.rest).topics() }
        if json {
            return printJSON(
                .list(topics.map { .record(["topic": .string($0.name), "carries": .string($0.carries)]) }))
        }
        var table = Table(["TOPIC", "CARRIES"])
        for topic in topics { table.add([topic.name, topic.carries]) }
        Terminal.output.write(table.text)
    }

    private func show(_ name: String, _ org: SalesforceOrg) async throws {
        let client = org.pubsub
        let info: TopicInfo
        do throws(PublishError) {
            info = try await RenewingCalls(authenticator: org.authenticator).perform {
                session throws(StreamFailure) in try await client.topic(name, session)
            }
        } catch {
            await client.close()
            let failure = CommandFailure(error)
            throw CommandFailure(failure.code, failure.message + (await suggestion(name, org)))
        }
        await client.close()
        var lines: Fields = [
            "topic": .string(info.topicName), "subscribe": .bool(info.canSubscribe), "publish": .bool(info.canPublish),
            "schema": info.schemaID.isEmpty ? .null : .string(info.schemaID), "tenant": .string(info.tenantGUID),
        ]
        if ChannelContents.isChannel(name) {
            let user = try? await org.authenticator.session().userID
            let contents = await ChannelReader(org.rest).contents(of: name, userID: user ?? nil)
            lines.append("carries", .string(contents.carried.joined(separator: ", ")))
            lines.append("withheld", .string(contents.withheld.joined(separator: ", ")))
            if !contents.doubt.isEmpty { lines.append("doubt", .string(contents.doubt)) }
        }
        if json { return printJSON(.record(lines)) }
        var table = Table(["", ""])
        for cell in SalesforceRecordPrinter.cells(lines) { table.add([cell.name, cell.text]) }
        Terminal.output.write(table.whole)
        if info.schemaID.isEmpty {
            Terminal.output.write("It carries several entities, each with a schema of its own.\n")
            if case .string(let names)? = lines["withheld"], !names.isEmpty {
                Terminal.output.write(
                    "Nothing comes of those that are withheld: the user has no 'View All Records' on them, and Salesforce leaves "
                        + "them out without an error.\n")
            }
        }
    }

    /// A topic that differs only in case, or in few letters.
    private func suggestion(_ name: String, _ org: SalesforceOrg) async -> String {
        guard let topics = try? await TopicList(org.rest).topics() else { return "" }
        let near = topics.map(\.name).min { TopicList.distance($0, name) < TopicList.distance($1, name) }
        guard let near, near != name, TopicList.distance(near, name) <= 3 else { return "" }
        return " Did you mean \(near)?"
    }
}

/// What can be subscribed to, as far as the REST API tells.
private struct TopicList {
    private let rest: RESTClient

    init(_ rest: RESTClient) { self.rest = rest }

    func topics() async throws(RESTError) -> [(name: String, carries: String)] {
        let objects = try await rest.objects().map(\.name)
        let events = objects.compactMap { name -> (name: String, carries: String)? in
            if let entity = EntityTopic.entity(ofChangeEvent: name) { return ("/data/\(name)", "changes of \(entity)") }
            return name.hasSuffix("__e") ? ("/event/\(name)", "platform event") : nil
        }
        return [("/data/ChangeEvents", await members(of: "ChangeEvents"))] + (await channels())
            + events.sorted { $0.name < $1.name }
    }

    /// Who may not see Setup is not told the channels.
    private func channels() async -> [(name: String, carries: String)] {
        let found = try? await rest.records(
            "SELECT DeveloperName, ChannelType FROM PlatformEventChannel", kind: .tooling)
        var topics: [(name: String, carries: String)] = []
        for channel in found ?? [] {
            guard case .string(let name)? = channel["DeveloperName"] else { continue }
            let full = name.hasSuffix("__chn") ? name : name + "__chn"
            topics.append(
                (
                    channel["ChannelType"] == .string("event") ? "/event/\(full)" : "/data/\(full)",
                    await members(of: full)
                ))
        }
        return topics
    }

    private func members(of channel: String) async -> String {
        let names = (try? await ChannelMembers(rest).events(of: channel)) ?? []
        return names.isEmpty ? "every selected object" : names.joined(separator: ", ")
    }

    /// Letters to insert, delete or exchange; different case counts as nothing.
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.lowercased().utf8), Array(right.lowercased().utf8))
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let substituted = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, diagonal + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}
