import FoundationEssentials
import Rules

/// Where rule tests are, and which rule set each belongs to.
enum TestFiles {
    static let maximumFiles = 1000

    /// A rule set with its tests.
    struct Folder {
        var rules: String
        /// In alphabetical order within what was given.
        var tests: [String]
    }

    /// - Parameter rules: the folder of the rule set; nil: the folder that is given, or that of the test file.
    static func find(_ paths: [String], rules: String?) throws(TestFileError) -> [Folder] {
        var folders: [Folder] = []
        for path in paths {
            let clean = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
            guard FileManager.default.fileExists(atPath: clean) else {
                throw TestFileError(path: path, reason: "there is no such file or folder")
            }
            let isFolder = FolderTree.isFolder(clean)
            let set = rules ?? (isFolder ? clean : folder(of: clean))
            let tests = isFolder ? try tests(in: clean) : [clean]
            if let index = folders.firstIndex(where: { $0.rules == set }) {
                folders[index].tests += tests.filter { !folders[index].tests.contains($0) }
            } else {
                folders.append(Folder(rules: set, tests: tests))
            }
        }
        return folders
    }

    private static func tests(in folder: String) throws(TestFileError) -> [String] {
        let names: [String]
        do throws(FolderTreeError) {
            names = try FolderTree.paths(below: folder)
        } catch {
            throw TestFileError(path: error.path, reason: error.reason)
        }
        let tests = names.sorted().filter { name in
            let isHidden = name.split(separator: "/").contains { $0.hasPrefix(".") || $0.hasPrefix("_") }
            return !isHidden && (name.hasSuffix(".test.yaml") || name.hasSuffix(".test.yml"))
        }
        guard tests.count <= maximumFiles else {
            throw TestFileError(path: folder, reason: "it holds more than \(maximumFiles) test files")
        }
        return tests.map { "\(folder)/\($0)" }
    }

    /// `rules/a.test.yaml` → `rules`; `a.test.yaml` → `.`
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// `rules/sub` seen from `rules` is `sub`; empty where it is not below.
    static func relative(_ path: String, to folder: String) -> String {
        path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : ""
    }

    static func bytes(_ path: String) throws(TestFileError) -> [UInt8] {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw TestFileError(path: path, reason: "there is no such test file, or it cannot be read")
        }
        return Array(data)
    }

    static func write(_ text: String, to path: String) throws(TestFileError) {
        do {
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw TestFileError(path: path, reason: "it cannot be written")
        }
    }
}

/// A test file or folder could not be read or written: the environment's fault.
package struct TestFileError: Error, CustomStringConvertible {
    package var path: String
    package var reason: String

    package var description: String { "cannot test the rules of \(path): \(reason)." }
}
