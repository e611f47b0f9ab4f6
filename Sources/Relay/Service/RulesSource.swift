import FoundationEssentials
import Glibc
import Rules

/// Where rules come from, and how they are read and checked: the same at the start and at every reload.
package struct RulesSource: Sendable {
    /// Folders or files that are one set.
    package let paths: [String]
    package let check: @Sendable () throws(RuleFolderError) -> LintReport

    package init(paths: [String], check: @escaping @Sendable () throws(RuleFolderError) -> LintReport) {
        self.paths = paths
        self.check = check
    }

    package init(paths: [String], options: Lint.Options) {
        // Only files that changed are read again.
        let cache = LintCache(options: options)
        self.init(paths: paths) { () throws(RuleFolderError) in cache.check(try RuleFolder.read(paths: paths)) }
    }

    /// Names, sizes and times of everything below the paths: equal as long as nothing was changed. Reads no file.
    func fingerprint() -> [String: FileMark] {
        var marks: [String: FileMark] = [:]
        for path in paths {
            marks[path] = FileMark(path)
            for name in FolderTree.listablePaths(below: path) {
                marks["\(path)/\(name)"] = FileMark("\(path)/\(name)")
            }
        }
        return marks.filter { path, mark in mark.isFolder || path.hasSuffix(".yaml") || path.hasSuffix(".yml") }
    }
}

/// Which state of a file this is, as far as its folder can tell.
struct FileMark: Equatable, Sendable {
    var inode: UInt64
    var size: Int64
    var seconds: Int
    var nanoseconds: Int
    var isFolder: Bool
    /// What may be read can change without anything else.
    var mode: UInt32

    /// Follows links. Zero for what is not there.
    init(_ path: String) {
        var status = stat()
        let isThere = stat(path, &status) == 0
        mode = isThere ? UInt32(status.st_mode) : 0
        isFolder = isThere && status.st_mode & S_IFMT == S_IFDIR
        inode = isThere ? UInt64(status.st_ino) : 0
        // The times and sizes of folders change with files that are no rules.
        size = isThere && !isFolder ? Int64(status.st_size) : 0
        seconds = isThere && !isFolder ? status.st_mtim.tv_sec : 0
        nanoseconds = isThere && !isFolder ? status.st_mtim.tv_nsec : 0
    }
}
