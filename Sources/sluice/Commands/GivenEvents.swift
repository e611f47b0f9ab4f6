import Events
import FoundationEssentials
import Relay

/// Events that a person names: in a file, or in the journal.
enum GivenEvents {
    /// Of a file of recorded events.
    static let maximumBytes = 64 << 20

    /// One JSON object, or one for each line, as `tap --json --events` writes them.
    static func read(file path: String) throws -> [Event] {
        let bytes = try InputFile.read(path, maximumBytes: maximumBytes, advice: "Give fewer events at a time.")
        if let whole = try? RecordedEvent(json: bytes) { return [whole.event] }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
        return try lines.enumerated().map { number, line in
            do throws(RecordedEventError) {
                return try RecordedEvent(json: Array(line)).event
            } catch {
                throw CommandFailure(
                    .badInput, "\(path), line \(number + 1): \(error). `sluice tap --json --events` writes such files.")
            }
        }
    }

    /// One event for each record of a merged change.
    static func journal(_ replayID: String, _ options: ConfigurationOption) async throws -> [Event] {
        let caller = try ControlCaller(options) { store in EventRoutes.make(store: store, rules: { nil }) }
        guard let request = try? JSONEncoder().encode(EventRequest(replayID: replayID, isWhole: true)) else {
            preconditionFailure("a request has a JSON form")
        }
        let answer = try await caller.answer(route: "event.show", bytes: Array(request))
        guard case .record(let fields)? = try? JSONReader.parse(answer), case .list(let entries)? = fields["events"]
        else {
            var reason = ""
            if case .record(let fields)? = try? JSONReader.parse(answer), case .string(let problem)? = fields["problem"] {
                reason = ": \(problem)"
            }
            throw CommandFailure(.failed, "the event \(replayID) cannot be shown\(reason).")
        }
        return entries.compactMap { entry in
            guard case .record(let fields) = entry, let event = fields["event"] else { return nil }
            return try? RecordedEvent(event).event
        }
    }

    static func isFile(_ name: String) -> Bool { FileManager.default.fileExists(atPath: name) }

    /// A file if there is one of that name, otherwise a replay ID.
    static func named(_ name: String, _ options: ConfigurationOption) async throws -> [Event] {
        if isFile(name) { return try read(file: name) }
        guard !name.hasSuffix(".json"), !name.hasSuffix(".jsonl") else {
            throw CommandFailure(
                .badInput, "there is no file \(name). `sluice tap --json --events --limit 1 > \(name)` records an event.")
        }
        guard !EventRequest(replayID: name).meanings.isEmpty else {
            throw CommandFailure(
                .badInput,
                "there is no file \(name), and it is no replay ID, which is base64 (as `sluice tap` shows it) or hex.")
        }
        return try await journal(name, options)
    }
}
