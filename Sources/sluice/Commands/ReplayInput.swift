import Events
import FoundationEssentials
import Glibc
import Relay
import Rules
import Settings

/// What operators type, for replays, dead letters and cursors.
enum ReplayInput {
    static let maximumBytes = 64 << 20

    /// `90s`, `30m`, `2h`, `3d`, meaning so long ago; or a time, RFC 3339.
    ///
    /// - Returns: epoch milliseconds.
    static func moment(_ text: String, _ option: String, now: Int64) throws -> Int64 {
        if let length = length(text) { return now - length }
        if let time = ReplayTime.parse(text) { return time }
        throw CommandFailure(
            .badInput, "\(option) is a time such as 2026-11-22T03:00Z, or how long ago: 30m, 2h, 3d; not '\(text)'.")
    }

    private static func length(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let last = text.last, let unit = units[last], let number = Int64(text.dropLast()),
            (0...100_000).contains(number)
        else { return nil }
        return number * unit
    }

    /// Base64 of a replay ID that is written in base64 or in hexadecimal digits, which it is if it can be both and has
    /// the 20 digits that all known ones have.
    static func replayID(_ text: String) throws -> String {
        let hex = Hex.decode(text).flatMap { ReplayID($0) }
        if let hex, text.utf8.count == 20 { return hex.description }
        if let id = ReplayID(base64: text) ?? hex { return id.description }
        throw CommandFailure(.badInput, "'\(text)' is not a replay ID: base64, or hexadecimal digits.")
    }

    /// `5/s`, `5`, `300/min`, as events each second.
    static func rate(_ text: String) throws -> Double {
        let parts = text.split(separator: "/", maxSplits: 1)
        let unit = parts.count == 2 ? parts[1] : "s"
        let seconds: Double? = ["s": 1, "min": 60, "m": 60, "h": 3_600][unit]
        guard let first = parts.first, let number = Double(first), number > 0, let seconds else {
            throw CommandFailure(.badInput, "--rate is a number of events such as 50/s or 600/min, not '\(text)'.")
        }
        return number / seconds
    }

    /// The rules as they are; how sound they are is for `rules lint` to say. None, while they have errors.
    static func rules(_ configuration: Configuration) -> RuleSet {
        let options = Lint.Options(knownOrgs: configuration.orgs.map(\.alias))
        let report = try? Lint.check(paths: [configuration.rulesPath], options: options)
        return report?.ruleSet ?? .empty
    }

    /// A file; without one, or for `-`, standard input.
    static func read(_ path: String?) throws -> [UInt8] {
        try InputFile.read(path ?? "-", maximumBytes: maximumBytes, advice: "Give it in parts.")
    }

    /// Says what will happen, and asks a person, unless `yes` has answered.
    static func confirm(_ statement: String, yes: Bool) throws {
        Terminal.error.write(statement + "\n")
        guard !yes else { return }
        guard Terminal.error.isInteractive, isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure(.badInput, "nothing was done: nobody is there to ask. --yes does it without asking.")
        }
        Terminal.error.write("Go on? [y/N] ")
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw CommandFailure(.failed, "nothing was done.")
        }
    }
}

/// Answers as they are.
enum ReplayOutput {
    static func json(_ answer: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(answer), as: UTF8.self) + "\n"
    }
}
