import FoundationEssentials
import Rules

/// `rules.files`: the text of the rules in force, which need not be what the folder holds by now. Secrets are not in
/// it: rule files name them, they do not hold them.
package struct RulesFiles: Codable, Sendable {
    package struct File: Codable, Sendable {
        package var path: String
        package var text: String
    }

    package var generation: Int
    package var hash: String
    /// Nil if the relay did not keep them (more than `maximumBytes`, or edited in the moment in which they were read).
    package var files: [File]?

    /// Of all files together, that a relay keeps.
    package static let maximumBytes = 16 << 20

    package init(generation: Int, hash: String, files: [File]?) {
        self.generation = generation
        self.hash = hash
        self.files = files
    }

    /// The answer of the route.
    package init(_ answer: [UInt8]) throws(ControlError) {
        guard let files = try? JSONDecoder().decode(RulesFiles.self, from: Data(answer)) else {
            throw ControlError(.failed, "rules.files: the relay answers in another form than this version expects")
        }
        self = files
    }

    package var sources: [RuleSource]? {
        files?.map { RuleSource(path: $0.path, bytes: Array($0.text.utf8)) }
    }
}

extension RulesSource {
    /// The files that `ruleSet` was made from.
    func files(of ruleSet: RuleSet) -> [RuleSource]? {
        guard let sources = try? RuleFolder.read(paths: paths), ruleSet.isMade(of: sources),
            sources.reduce(0, { $0 + $1.bytes.count }) <= RulesFiles.maximumBytes
        else { return nil }
        return sources
    }
}

extension RulesLoader {
    /// The set in force as it was written.
    package var files: RulesFiles {
        RulesFiles(
            generation: status.generation, hash: status.hash,
            files: inForce?.map { RulesFiles.File(path: $0.path, text: String(decoding: $0.bytes, as: UTF8.self)) })
    }
}

extension ReloadRoutes {
    static func files(_ loader: RulesLoader) -> ControlRoute {
        ControlRoute("rules.files") { (_: EmptyRequest) async throws(ControlError) -> RulesFiles in await loader.files }
    }
}
