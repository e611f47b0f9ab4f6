import Glibc

/// What is left of a file system, for errors of SQLite that do not say that it is full: it reports a file that it could
/// not extend or create as any other failure.
struct DiskSpace {
    /// SQLite asks for 32 KiB at once, and gives back what it got of them.
    static let leastBytes: UInt64 = 64 << 10

    /// For this user.
    var freeBytes: UInt64
    /// Nil where the file system does not count them.
    var freeFiles: UInt64?

    /// Why nothing can be written; nil if there is room.
    var fullness: String? {
        if freeBytes < Self.leastBytes { return "disk full" }
        return freeFiles == 0 ? "disk full: no file can be created, since no inode is free" : nil
    }
}

extension DiskSpace {
    /// Nil if it cannot be found out.
    init?(around path: String) {
        var status = statvfs()
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard statvfs(folder, &status) == 0 else { return nil }
        // Some file systems tell absurd numbers when less than nothing is left.
        let (bytes, isAbsurd) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        self.init(
            freeBytes: isAbsurd ? .max : bytes,
            freeFiles: status.f_files > 0 ? UInt64(status.f_favail) : nil)
    }
}
