import FoundationEssentials
import Glibc

/// What lies below a folder. Links are followed, since deployments turn them (`rules -> releases/7`); a folder that was
/// entered already is not entered again.
package enum FolderTree {
    static let maximumDepth = 16

    /// Relative to the folder, sub-folders included. Names that start with `.` are left out, with what is below them.
    package static func paths(below folder: String) throws -> [String] {
        var found: [String] = []
        var entered: Set<[UInt64]> = []
        func enter(_ path: String, _ prefix: String, _ depth: Int) throws {
            guard let mark = mark(path), depth <= maximumDepth, entered.insert(mark).inserted else { return }
            for name in try FileManager.default.contentsOfDirectory(atPath: path) where !name.hasPrefix(".") {
                found.append(prefix + name)
                let below = "\(path)/\(name)"
                // One that cannot be listed is no reason to leave out the others.
                if isFolder(below) { try? enter(below, prefix + name + "/", depth + 1) }
            }
        }
        guard isFolder(folder) else { throw CocoaError(.fileReadNoSuchFile) }
        try enter(folder, "", 0)
        return found
    }

    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func mark(_ path: String) -> [UInt64]? {
        var status = stat()
        return stat(path, &status) == 0 ? [UInt64(status.st_dev), UInt64(status.st_ino)] : nil
    }
}
