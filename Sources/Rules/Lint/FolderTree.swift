import FoundationEssentials
import Glibc

/// What lies below a folder. Links are followed, since deployments turn them (`rules -> releases/7`); a folder that was
/// entered already is not entered again.
package enum FolderTree {
    static let maximumDepth = 16

    /// Relative to the folder, sub-folders included. Names that start with `.`, and what is below folders that start
    /// with `_`, are left out.
    ///
    /// - Throws: for the first folder that cannot be listed: what is left would look like a whole.
    package static func paths(below folder: String) throws(FolderTreeError) -> [String] {
        var listing = Listing()
        try listing.enter(folder, "", 0)
        return listing.found
    }

    /// What of it can be listed, for those who only watch it.
    package static func listablePaths(below folder: String) -> [String] {
        var listing = Listing()
        listing.isComplete = false
        try? listing.enter(folder, "", 0)
        return listing.found
    }

    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private struct Listing {
        var found: [String] = []
        var isComplete = true
        private var entered: Set<[UInt64]> = []

        mutating func enter(_ path: String, _ prefix: String, _ depth: Int) throws(FolderTreeError) {
            guard depth <= maximumDepth else {
                throw FolderTreeError(path: path, reason: "it is more than \(maximumDepth) folders deep")
            }
            var status = stat()
            guard stat(path, &status) == 0 else { throw FolderTreeError(path: path, code: errno) }
            guard entered.insert([UInt64(status.st_dev), UInt64(status.st_ino)]).inserted else { return }
            for name in try names(path) where !name.hasPrefix(".") {
                found.append(prefix + name)
                let below = "\(path)/\(name)"
                do throws(FolderTreeError) {
                    guard try isFolder(below), !name.hasPrefix("_") else { continue }
                    try enter(below, prefix + name + "/", depth + 1)
                } catch where !isComplete {
                    continue
                }
            }
        }

        private func names(_ path: String) throws(FolderTreeError) -> [String] {
            guard let folder = opendir(path) else { throw FolderTreeError(path: path, code: errno) }
            defer { closedir(folder) }
            var names: [String] = []
            errno = 0
            while let entry = readdir(folder) {
                names.append(withUnsafePointer(to: &entry.pointee.d_name) { name in
                    String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
                })
                errno = 0
            }
            guard errno == 0 else { throw FolderTreeError(path: path, code: errno) }
            return names.filter { $0 != "." && $0 != ".." }
        }

        /// A link to nothing is a name and no folder; of what cannot be looked at, nobody knows.
        private func isFolder(_ path: String) throws(FolderTreeError) -> Bool {
            var status = stat()
            if stat(path, &status) == 0 { return status.st_mode & S_IFMT == S_IFDIR }
            guard [ENOENT, ENOTDIR, ELOOP].contains(errno) else { throw FolderTreeError(path: path, code: errno) }
            return false
        }
    }
}

/// A folder that cannot be listed.
package struct FolderTreeError: Error {
    package var path: String
    package var reason: String

    init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    init(path: String, code: Int32) {
        let reason =
            switch code {
            case ENOENT, ENOTDIR: "there is no such folder"
            case EACCES, EPERM: "listing it is not permitted"
            default: "it cannot be listed (\(String(cString: strerror(code)).lowercased()))"
            }
        self.init(path: path, reason: reason)
    }
}
