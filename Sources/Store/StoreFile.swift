import Glibc

/// The file that was opened, to be told from another one that has its name now: SQLite goes on writing to a file that
/// was removed, and all of that is gone with the process.
struct StoreFile: Sendable {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// Nil if it cannot be looked at, as on a simulated disk.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.path = path
        device = status.st_dev
        inode = status.st_ino
    }

    /// - Throws: `StoreError` of kind `gone`.
    func check(_ action: String) throws(StoreError) {
        var status = stat()
        let isThere = stat(path, &status) == 0
        guard !isThere || status.st_ino != inode || status.st_dev != device else { return }
        // A folder that cannot be looked into at the moment says nothing.
        guard isThere || errno == ENOENT else { return }
        throw StoreError(
            kind: .gone, action: action, path: path,
            reason: isThere ? "another file has its name now" : "the file was removed or renamed")
    }
}
