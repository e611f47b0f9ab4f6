import FoundationEssentials

/// The files of a rules folder: `*.yaml` and `*.yml` in it and in its sub-folders, without `*.test.yaml` and without
/// names that start with `.` or `_`.
package enum RuleFolder {
    static let maximumFiles = 1000

    /// - Parameters:
    ///   - path: of the folder, or of one file.
    ///   - namesFull: findings name the files by `path` and all, since there are several.
    /// - Throws: `RuleFolderError` if it cannot be read; what is wrong inside the files is for `Lint` to say.
    package static func read(_ path: String, namesFull: Bool = false) throws(RuleFolderError) -> [RuleSource] {
        guard FolderTree.isFolder(path) else {
            let name = namesFull ? path : String(path.split(separator: "/").last ?? "rules")
            return [RuleSource(path: name, bytes: try bytes(path))]
        }
        var sources: [RuleSource] = []
        let names: [String]
        do throws(FolderTreeError) {
            names = try FolderTree.paths(below: path)
        } catch {
            throw RuleFolderError(path: error.path, reason: error.reason, kind: .unreadable)
        }
        for name in names.sorted() where isRuleFile(name) && !FolderTree.isFolder("\(path)/\(name)") {
            guard sources.count < maximumFiles else {
                throw RuleFolderError(path: path, reason: "it holds more than \(maximumFiles) rule files")
            }
            let full = "\(path)/\(name)"
            sources.append(RuleSource(path: namesFull ? full : name, bytes: try bytes(full)))
        }
        guard !sources.isEmpty else {
            throw RuleFolderError(
                path: path, reason: "it holds no rule files (*.yaml), and then every event would go to nobody")
        }
        return sources
    }

    /// All files of folders, or single files, as one set.
    package static func read(paths: [String]) throws(RuleFolderError) -> [RuleSource] {
        var sources: [RuleSource] = []
        for path in paths { sources += try read(path, namesFull: paths.count > 1) }
        return sources
    }

    /// Where the file is that `read(paths:)` gave this name.
    package static func file(_ name: String, in paths: [String]) -> String {
        guard paths.count == 1, let path = paths.first else { return name }
        guard FolderTree.isFolder(path) else { return path }
        return path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    }

    static func isRuleFile(_ name: String) -> Bool {
        let parts = name.split(separator: "/")
        guard !parts.contains(where: { $0.hasPrefix(".") || $0.hasPrefix("_") }) else { return false }
        let isYAML = name.hasSuffix(".yaml") || name.hasSuffix(".yml")
        return isYAML && !name.hasSuffix(".test.yaml") && !name.hasSuffix(".test.yml")
    }

    private static func bytes(_ path: String) throws(RuleFolderError) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(filePath: path)))
        } catch {
            switch (error as? CocoaError)?.code {
            case .fileReadNoSuchFile, .fileNoSuchFile:
                throw RuleFolderError(path: path, reason: "there is no such file or folder")
            case .fileReadNoPermission:
                throw RuleFolderError(path: path, reason: "reading it is not permitted", kind: .unreadable)
            default: throw RuleFolderError(path: path, reason: "it cannot be read", kind: .unreadable)
            }
        }
    }
}

/// The rules could not even be read: the environment's fault, not that of a rule.
package struct RuleFolderError: Error, CustomStringConvertible {
    package enum Kind: Sendable {
        /// Not there, or not a rule set: named wrongly, most often.
        case given
        /// There, and cannot be read.
        case unreadable
        /// It was read, and could not be written.
        case unwritable
    }

    package var path: String
    package var reason: String
    package var kind = Kind.given

    package var description: String {
        guard kind != .unwritable else { return "cannot write \(path): \(reason). Check the permissions of its folder." }
        return "cannot read rules from \(path): \(reason). Check the path (without one, 'rules' in sluice.yaml) and "
            + "its permissions."
    }
}

extension Lint {
    /// Reads and checks a folder, or single files, as one set.
    package static func check(
        paths: [String], options: Options = Options()
    ) throws(RuleFolderError) -> LintReport {
        check(try RuleFolder.read(paths: paths), options: options)
    }
}
