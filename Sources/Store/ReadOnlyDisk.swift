import Glibc

/// A store on a file system that nobody can write to, such as a snapshot or a backup that is looked at. SQLite reads it
/// only when it is told that the file does not change; whether that is so is known here.
struct ReadOnlyDisk {
    private let path: String

    /// Nil if the file system can be written to.
    init?(storePath: String) {
        var status = statvfs()
        guard statvfs(storePath, &status) == 0, status.f_flag & UInt(ST_RDONLY) != 0 else { return nil }
        path = storePath
    }

    /// The name under which SQLite opens the file as one that does not change.
    ///
    /// - Throws: if commits are only in the log beside it, which would be left out.
    func unchangingPath() throws(StoreError) -> String {
        var status = stat()
        guard stat(path + "-wal", &status) != 0 || status.st_size == 0 else {
            throw StoreError(
                kind: .readOnly, action: "read the store", path: path,
                reason: "its file system is read-only, and the last commits are in \(path)-wal, which SQLite cannot "
                    + "take in there; a copy of both files in a folder that can be written can be read")
        }
        return "file:\(escaped)?immutable=1"
    }

    /// As the path of a URI.
    private var escaped: String {
        var text = ""
        for character in path {
            switch character {
            case "%": text += "%25"
            case "?": text += "%3f"
            case "#": text += "%23"
            default: text.append(character)
            }
        }
        return text
    }
}
