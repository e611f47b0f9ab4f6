import Documents
import Events
import FoundationEssentials
import Relay
import Rules
import Settings

/// The rules in force and the edited ones, both compiled.
struct RuleSetPair {
    let before: RuleSet
    let after: RuleSet
    /// Where the first came from, for a headline.
    let origin: String
    /// The edited rules are those in force, word for word.
    let isSame: Bool

    /// - Parameters:
    ///   - paths: a folder, or files that take the place of those of the same name; none is the configured folder.
    ///   - against: a folder instead of the rules in force.
    ///   - configuration: nil only if both sets are named.
    static func load(_ paths: [String], against: String?, _ configuration: Configuration?) async throws -> RuleSetPair {
        let options = Lint.Options(knownOrgs: configuration?.orgs.map(\.alias))
        let current = try await inForce(against, configuration)
        let edited = try edited(paths, current, configuration)
        return RuleSetPair(
            before: try compiled(current.sources, options, what: "the rules to compare with"),
            after: try compiled(edited, options, what: "the edited rules"), origin: current.origin,
            isSame: texts(edited) == texts(current.sources))
    }

    private static func texts(_ sources: [RuleSource]) -> [[UInt8]] { sources.sorted { $0.path < $1.path }.map(\.bytes) }

    private struct Current {
        var sources: [RuleSource]
        var origin: String
        var isRunning = false
    }

    // MARK: Before

    private static func inForce(_ against: String?, _ configuration: Configuration?) async throws -> Current {
        if let against { return Current(sources: try read([against]), origin: against) }
        guard let configuration else { preconditionFailure("without a configuration both sets are named") }
        guard let files = try await RunningRules.ask(configuration)?.files else {
            return Current(
                sources: try read([configuration.rulesPath]), origin: "\(configuration.rulesPath) (no relay is running)"
            )
        }
        guard let sources = files.sources else {
            throw CommandFailure(
                .failed,
                "the running relay did not keep the text of its rules, since they are very large or were edited while "
                    + "it read them. --against names a folder to compare with.")
        }
        return Current(
            sources: sources, origin: "in force (generation \(files.generation) of the running relay)", isRunning: true)
    }

    // MARK: After

    private static func edited(
        _ paths: [String], _ current: Current, _ configuration: Configuration?
    ) throws -> [RuleSource] {
        if paths.isEmpty {
            guard let folder = configuration?.rulesPath else {
                throw CommandFailure(.badInput, "name the folder or the files with the edited rules.")
            }
            guard current.isRunning else {
                throw CommandFailure(
                    .badInput,
                    "name the folder or the files with the edited rules: no relay is running, so \(folder) "
                        + "is what they would be compared with.")
            }
            return try read([folder])
        }
        if paths.count == 1, isFolder(paths[0]) { return try read(paths) }
        if let folder = paths.first(where: isFolder) {
            throw CommandFailure(
                .badInput, "\(folder) is a folder, which is a whole set: name one folder, or files only.")
        }
        return try paths.reduce(current.sources) { try replacing($0, by: $1) }
    }

    /// The set with one file in the place of that of the same name.
    private static func replacing(_ sources: [RuleSource], by path: String) throws -> [RuleSource] {
        guard var file = try read([path]).first else { return sources }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let same = sources.indices.filter { sources[$0].path == name || sources[$0].path.hasSuffix("/\(name)") }
        guard same.count <= 1 else {
            let names = same.map { sources[$0].path }.joined(separator: ", ")
            throw CommandFailure(
                .badInput, "\(name) could take the place of \(names): name the folder with the whole set.")
        }
        var sources = sources
        if let index = same.first {
            file.path = sources[index].path
            sources[index] = file
        } else {
            file.path = name
            sources.append(file)
        }
        return sources
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
    }

    // MARK: Both

    private static func read(_ paths: [String]) throws -> [RuleSource] {
        do throws(RuleFolderError) {
            return try RuleFolder.read(paths: paths)
        } catch {
            throw CommandFailure(error)
        }
    }

    private static func compiled(_ sources: [RuleSource], _ options: Lint.Options, what: String) throws -> RuleSet {
        let report = Lint.check(sources, options: options)
        guard let rules = report.ruleSet else {
            for finding in report.findings where finding.severity == .error { Terminal.error.write(finding.text) }
            throw CommandFailure(.badInput, "\(what) have \(report.errorsInWords), see above.")
        }
        return rules
    }
}
