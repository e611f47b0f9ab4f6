import GRDB
import Glibc

/// Everything that outlives the process, in one SQLite file: journal, cursors, outbox, dead letters, quarantine,
/// schemas.
///
/// All work runs one piece after another on the connection's own thread, never on the shared pool. WAL mode with
/// `synchronous=NORMAL`: after a power loss the last commits may be gone, but then cursors and deliveries are gone
/// together. Secrets are never stored.
package final class Store: Sendable {
    package let path: String
    package let isReadOnly: Bool
    package let limits: StoreLimits
    private let queue: DatabaseQueue
    private let lock: StoreLock?
    /// Nil for a store that is only read.
    let file: StoreFile?
    private let turns: StoreTurns?

    /// Opens for writing, creating what is missing, or refuses because another process has it.
    ///
    /// - Parameters:
    ///   - command: what a second process is told about this one: `sluice run`.
    ///   - wall: now, epoch milliseconds.
    ///   - turns: decides when each piece of work runs, in the place of the connection's thread; for simulations.
    package init(
        path: String, command: String = "sluice run", limits: StoreLimits = StoreLimits(), wall: Int64,
        turns: StoreTurns? = nil
    ) throws(StoreError) {
        self.path = path
        self.turns = turns
        self.limits = limits
        isReadOnly = false
        lock = try StoreLock(storePath: path, command: command, wall: wall)
        do {
            try Self.createPrivately(path)
            queue = try DatabaseQueue(path: path, configuration: Self.configuration(limits))
            try Self.migrate(queue, path: path)
            file = StoreFile(path)
        } catch {
            throw StoreError(error, action: "open the store", path: path)
        }
    }

    /// Opens for looking only, beside a process that may be writing. Takes no lock and creates nothing.
    package init(readingPath path: String) throws(StoreError) {
        self.path = path
        limits = StoreLimits()
        isReadOnly = true
        lock = nil
        file = nil
        turns = nil
        guard access(path, F_OK) == 0 else {
            throw StoreError(
                kind: .cannotOpen, action: "read the store", path: path, reason: "there is no such file yet; the first `sluice run` makes it")
        }
        do {
            do {
                queue = try Self.reading(path, of: path)
            } catch {
                // SQLite wants to make its index of the log beside the file.
                guard let unchanging = try ReadOnlyDisk(storePath: path)?.unchangingPath() else { throw error }
                queue = try Self.reading(unchanging, of: path)
            }
        } catch {
            throw StoreError(error, action: "read the store", path: path)
        }
    }

    /// The process that writes to this store, in words: this one, if the store was opened for writing. Nil if none does.
    package var writer: String? { lock?.holder ?? StoreLock.holder(ofStore: path) }

    /// Waits for running work and releases the file and the lock. Later calls throw.
    package func close() throws(StoreError) {
        do { try queue.close() } catch { throw StoreError(error, action: "close the store", path: path) }
        lock?.release()
    }

    /// Runs `body` on the connection's thread. Not affected by the cancellation of the calling task: a commit is
    /// never half wanted.
    func perform<Result: Sendable>(
        _ action: String, _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws(StoreError) -> Result {
        let outcome: Swift.Result<Result, any Error> = await withCheckedContinuation { continuation in
            if let turns {
                turns { [queue] in
                    continuation.resume(returning: Swift.Result { try queue.writeWithoutTransaction(body) })
                }
            } else {
                queue.asyncWriteWithoutTransaction { database in
                    continuation.resume(returning: Swift.Result { try body(database) })
                }
            }
        }
        do { return try outcome.get() } catch { throw StoreError(error, action: action, path: path) }
    }

    /// As `perform`, all or nothing.
    ///
    /// - Parameter isSynced: on disk when it returns, so that not even a power loss takes it back.
    func transaction<Result: Sendable>(
        _ action: String, isSynced: Bool = false, _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws(StoreError) -> Result {
        try await perform(action) { database in
            if isSynced { try database.execute(sql: "PRAGMA synchronous = FULL") }
            defer { if isSynced { try? database.execute(sql: "PRAGMA synchronous = NORMAL") } }
            var result: Result?
            try database.inTransaction(.immediate) {
                result = try body(database)
                return .commit
            }
            return result!
        }
    }

    /// A transaction that is synced: for what an operator was told, or what is done elsewhere next.
    func synced<Result: Sendable>(
        _ action: String, _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws(StoreError) -> Result {
        try await transaction(action, isSynced: true, body)
    }

    /// - Parameter file: as SQLite is to open it.
    private static func reading(_ file: String, of path: String) throws -> DatabaseQueue {
        var configuration = Self.configuration(StoreLimits())
        configuration.readonly = true
        let queue = try DatabaseQueue(path: file, configuration: configuration)
        try checkVersion(queue, path: path)
        guard try queue.read({ try StoreMigrations.migrator.hasCompletedMigrations($0) }) else {
            throw StoreError(
                kind: .older, action: "read the store", path: path,
                reason: "it was written by an earlier version of Sluice")
        }
        return queue
    }

    private static func configuration(_ limits: StoreLimits) -> Configuration {
        var configuration = Configuration()
        configuration.label = "store"
        configuration.busyMode = .timeout(limits.busySeconds)
        configuration.prepareDatabase { database in
            guard !database.configuration.readonly else { return }
            // Before the first table: afterwards it would need a VACUUM.
            try database.execute(
                sql: """
                    PRAGMA auto_vacuum = INCREMENTAL;
                    PRAGMA journal_mode = WAL;
                    PRAGMA synchronous = NORMAL;
                    PRAGMA mmap_size = 0;
                    PRAGMA cache_size = -\(limits.cacheKibibytes);
                    PRAGMA journal_size_limit = \(limits.walBytes);
                    """)
            if let pages = limits.maximumPages {
                try database.execute(sql: "PRAGMA max_page_count = \(pages)")
            }
        }
        return configuration
    }

    private static func migrate(_ queue: DatabaseQueue, path: String) throws {
        try checkVersion(queue, path: path)
        try StoreMigrations.migrator.migrate(queue)
        try queue.write { try $0.forgetResends() }
    }

    private static func checkVersion(_ queue: DatabaseQueue, path: String) throws {
        guard try queue.read({ try StoreMigrations.migrator.hasBeenSuperseded($0) }) else { return }
        throw StoreError(
            kind: .newer, action: "open the store", path: path, reason: "it was written by a later version of Sluice")
    }

    /// SQLite gives its side files the mode of the main file, so that it is enough to create this one.
    private static func createPrivately(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let code = errno
            throw StoreError(
                kind: code == EROFS || code == EACCES ? .readOnly : code == ENOSPC ? .diskFull : .cannotOpen,
                action: "open the store", path: path, reason: String(cString: strerror(code)))
        }
        Glibc.close(descriptor)
    }
}

/// Runs the work it is given, on any one thread, one piece after another and in the order it came.
package typealias StoreTurns = @Sendable (_ work: @escaping @Sendable () -> Void) -> Void

/// How large things may get.
package struct StoreLimits: Sendable {
    /// Raw responses older than this are pruned.
    package var journalMilliseconds: Int64 = 72 * 3_600_000
    /// Raw responses beyond this are pruned, oldest first. Zero keeps no journal.
    package var journalBytes: Int64 = 256 << 20
    /// Undecodable events kept, and the bytes of their payloads. Beyond it the topic that brings another one is parked.
    package var quarantineCount = 10_000
    package var quarantineBytes: Int64 = 64 << 20
    /// Acknowledged requests kept for sending again as they were. Zero, the default, keeps none.
    package var sentMilliseconds: Int64 = 24 * 3_600_000
    package var sentBytes: Int64 = 0
    /// Statements of loss kept for `status`, newest first.
    package var statements = 1_000
    /// How long a commit waits for another program's lock.
    package var busySeconds = 2.0
    package var cacheKibibytes = 1_024
    /// What the write-ahead log is cut back to after a checkpoint.
    package var walBytes = 16 << 20
    /// SQLite's own limit, 4 KiB each; set by tests of a full disk.
    package var maximumPages: Int?

    package init() {}
}

extension Store {
    /// SQLite's own limit of the file's size, 4 KiB each; for tests of a full disk.
    package func setMaximumPages(_ pages: Int) async throws(StoreError) {
        try await perform("limit the size") { try $0.execute(sql: "PRAGMA max_page_count = \(pages)") }
    }
}
