import GRDB
import Glibc

extension Store {
    /// SQLite writes the log back after every 4 MB of it, and cuts the file to `StoreLimits.walBytes`: far beyond that,
    /// something keeps it from doing so.
    private static let overgrown: Int64 = 4 << 20

    /// Bytes of the write-ahead log; nil while it is as long as it may be. One look at the file.
    package var overgrownLog: Int64? {
        var status = stat()
        guard stat(path + "-wal", &status) == 0 else { return nil }
        let size = Int64(status.st_size)
        return size > Int64(limits.walBytes) + Self.overgrown ? size : nil
    }

    /// Writes the log back, as SQLite does by itself without saying when it cannot.
    ///
    /// - Throws: why it does not get shorter. What was committed is in the log, and is not lost.
    package func writeBackLog() async throws(StoreError) {
        let action = "write the log back to the store"
        let (all, written) = try await perform(action) { database in
            let result = try database.checkpoint(.passive)
            return (result.walFrameCount, result.checkpointedFrameCount)
        }
        guard written < all else { return }
        throw StoreError(
            kind: .busy, action: action, path: path, reason: "another program has been reading the file for long")
    }
}
