import ArgumentParser
import Events
import Glibc
import Relay
import RuleSchema
import Rules

/// `rules init`
struct RulesInitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Writes a first rule file for an object, with a test.",
        discussion: """
            Made from an event, the file matches the fields that it changed and delivers the fields that it tells; its \
            test plays the event. Made from the name of an object, the test plays a made-up one. JSON Schemas for \
            editors are put beside them. Nothing is overwritten.

              sluice rules init --event won.json --kind flowmate -o rules/won.yaml
              sluice rules init --replay-id AAAAAAAADmcAAA==
              sluice rules init --entity Opportunity --org snapshot/
            """)

    @Option(help: "API name of an object or a platform event; by default that of the sample.") var entity: String?
    @Option(help: "A recorded event: what `sluice tap --json --events` writes.") var event: String?
    @Option(name: .customLong("replay-id"), help: "An event of the journal, by its replay ID.") var replayID: String?
    @Option(help: "Tell types and values from this snapshot: <Entity>.avsc and <Entity>.json files.") var org: String?
    @Option(help: "Where it goes: webhook, flowmate or integrator.") var kind = Destination.Kind.webhook
    @Option(name: .shortAndLong, help: "The rule file; by default <object>.yaml.") var output: String?
    @OptionGroup var options: ConfigurationOption

    func validate() throws {
        guard entity != nil || event != nil || replayID != nil else {
            throw ValidationError("Give one of --entity, --event and --replay-id.")
        }
        if let entity, let object = EntityTopic.entity(ofChangeEvent: entity) {
            throw ValidationError("\(entity) names a topic; rules name the object: --entity \(object).")
        }
        if event != nil, replayID != nil { throw ValidationError("Give one of --event and --replay-id.") }
        if let output, !output.hasSuffix(".yaml") || output.hasSuffix(".test.yaml") || output.hasSuffix("/.yaml") {
            throw ValidationError("The rule file is named *.yaml, and not *.test.yaml: \(output)")
        }
    }

    func run() async throws {
        let sample = try await sample()
        let place = DraftPlace(output)
        let schema = try org.map(OrgSchema.named)
        let files: [RuleDraft.File]
        do throws(RuleDraft.Problem) {
            files = try RuleDraft(entity: entity, sample: sample, schema: schema, kind: kind, stem: place.stem).files()
        } catch {
            throw CommandFailure(.badInput, "\(error).")
        }
        try place.refuse(files)
        for file in files { try place.write(file) }
        let schemas = [FileSchema.rules(), .tests()].map { RuleDraft.File(name: $0.name, text: $0.text) }
        let fresh = schemas.filter { !place.has($0.name) }
        for file in fresh { try place.write(file) }
        Terminal.output.write(
            """
            Wrote \((files + fresh).map { place.path($0.name) }.joined(separator: ", "))
            Say in \(place.path(files[0].name)) where it goes, then `sluice rules test \(place.path(files[1].name))`

            """)
    }

    private func sample() async throws -> Event? {
        let events: [Event]
        if let event {
            events = try GivenEvents.read(file: event)
        } else if let replayID {
            events = try await GivenEvents.journal(replayID, options)
        } else {
            return nil
        }
        guard let sample = events.first(where: { entity == nil || $0.entity == entity }) else {
            throw CommandFailure(
                .badInput, "there is no event\(entity.map { " of \($0)" } ?? "") among those that were named.")
        }
        return sample
    }
}

extension Destination.Kind: ExpressibleByArgument {}

/// A folder for files that were not there before.
private struct DraftPlace {
    /// Ended by a slash, or empty.
    let folder: String
    /// Nil: after the object.
    let stem: String?

    init(_ output: String?) {
        let name = output.map { String($0[($0.lastIndex(of: "/").map($0.index(after:)) ?? $0.startIndex)...]) }
        folder = output.map { String($0.dropLast(name?.count ?? 0)) } ?? ""
        stem = name.map { String($0.dropLast(".yaml".count)) }
    }

    func path(_ name: String) -> String { folder + name }

    func has(_ name: String) -> Bool { access(path(name), F_OK) == 0 }

    func refuse(_ files: [RuleDraft.File]) throws {
        guard let existing = files.first(where: { has($0.name) }) else { return }
        throw CommandFailure(
            .badInput, "\(path(existing.name)) is there already, so nothing was written. Choose another name with -o.")
    }

    func write(_ file: RuleDraft.File) throws {
        let path = path(file.name)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CommandFailure(.environment, "cannot write \(path): \(String(cString: strerror(errno))).")
        }
        defer { close(descriptor) }
        let bytes = Array(file.text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw CommandFailure(.environment, "cannot write \(path): \(String(cString: strerror(errno))).")
        }
    }
}
