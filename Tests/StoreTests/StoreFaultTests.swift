import Events
import GRDB
import Glibc
import Testing

@testable import Store

@Suite struct StoreFaultTests {
    @Test func `a second one is refused by name of the first`() throws {
        let scratch = StoreScratch()
        let first = try Store(path: scratch.path, command: "sluice run", wall: 1_760_000_000_123)
        let error = #expect(throws: StoreError.self) { try scratch.open() }
        let text = try #require(error?.description)
        #expect(error?.kind == .inUse && error?.isRetryable == false)
        #expect(text.contains("in use by process \(getpid()) (sluice run, host "), "\(text)")
        #expect(text.contains("since 2025-10-09T08:53:20Z)"), "\(text)")
        #expect(text.contains("Stop that process first"))
        withExtendedLifetime(first) {}
    }

    @Test func `who writes is found out without taking anything, and the writer needs not even look`() throws {
        let scratch = StoreScratch()
        let first = try scratch.open()
        let reader = try Store(readingPath: scratch.path)
        let writer = try #require(first.writer)
        #expect(writer.hasPrefix("process \(getpid()) ") && reader.writer == writer)
        #expect(unlink(scratch.path + ".lock") == 0)
        #expect(first.writer == writer && reader.writer == nil, "it knows that it runs, whatever became of the file")
        try first.close()
        let second = try scratch.open()
        #expect(reader.writer?.hasPrefix("process \(getpid()) ") == true)
        try second.close()
        #expect(reader.writer == nil, "a lock that was given up is not held")
        try reader.close()
    }

    @Test func `who writes is found among any number of locks that come and go`() async throws {
        let scratch = StoreScratch()
        let store = try scratch.open()
        let reader = try Store(readingPath: scratch.path)
        // The system's list of locks is read in pages, and what is given up meanwhile hides another one.
        await withTaskGroup(of: Void.self) { group in
            let path = scratch.path
            group.addTask {
                while !Task.isCancelled {
                    let others = (0..<200).map { _ in open("\(path).other", O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
                    for other in others { _ = flock(other, LOCK_SH) }
                    for other in others { close(other) }
                    await Task.yield()
                }
            }
            #expect((0..<2_000).allSatisfy { _ in reader.writer != nil })
            group.cancelAll()
        }
        unlink(scratch.path + ".other")
        try reader.close()
        try store.close()
    }

    @Test func `the death of another process frees the store`() throws {
        let scratch = StoreScratch()
        // A shell that holds the lock as a first Sluice would, and says so.
        let script = """
            exec 9>>'\(scratch.path).lock'; flock -n 9 || exit 1
            printf 'pid %s\\nhost h\\ncommand sluice run\\nsince 2026-11-22T03:00:30Z\\n' $$ > '\(scratch.path).lock'
            echo held; read -r line
            """
        let child = try Child(shell: script)
        #expect(child.readLine() == "held")
        let error = #expect(throws: StoreError.self) { try scratch.open() }
        let holder = "process \(child.pid) (sluice run, host h, since 2026-11-22T03:00:30Z)"
        #expect(error?.reason == "it is in use by \(holder)")
        child.kill()
        let store = try scratch.open()
        try store.close()
    }

    @Test func `closing frees the store, and reading needs no lock`() async throws {
        let scratch = StoreScratch()
        let first = try scratch.open()
        var group = CommitGroup()
        group.cursors[Sample.key] = Sample.cursor
        try await first.commit(group, wall: 0)
        let reader = try Store(readingPath: scratch.path)
        #expect(try await reader.cursors() == [Sample.cursor])
        await #expect(throws: StoreError.self) { try await reader.commit(group, wall: 0) }
        group.cursors[Sample.key]?.replayID = ReplayID([4])!
        try await first.commit(group, wall: 0)
        #expect(try await reader.cursors()[0].replayID == ReplayID([4])!)
        try first.close()
        #expect(try await reader.cursors().count == 1)
        try reader.close()
        let again = try Store(readingPath: scratch.path)
        #expect(try await again.cursors().count == 1)
    }

    @Test func `a full disk is said in plain words, and nothing of the group is written`() async throws {
        var limits = StoreLimits()
        limits.maximumPages = 100
        let scratch = StoreScratch()
        let store = try scratch.open(limits)
        var group = CommitGroup()
        group.cursors[Sample.key] = Sample.cursor
        group.journal = (0..<50).map { _ in Sample.journal(bytes: 10_000) }
        let error = await #expect(throws: StoreError.self) { try await store.commit(group, wall: 0) }
        #expect(error?.kind == .diskFull && error?.isRetryable == true)
        #expect(
            error?.description == """
                cannot commit 1 cursor in \(scratch.path): disk full (SQLite 13). Free space on that disk; no stored \
                event is lost, and writing goes on by itself.
                """)
        #expect(try await store.cursors().isEmpty)
        try await store.setMaximumPages(10_000)
        try await store.commit(group, wall: 0)
        #expect(try await store.cursors().count == 1)
    }

    @Test(arguments: [ResultCode.SQLITE_IOERR_SHMSIZE, .SQLITE_IOERR_WRITE, .SQLITE_CANTOPEN])
    func `a full disk is told where SQLite does not say so`(code: ResultCode) {
        func open(_ bytes: UInt64, _ files: UInt64?, _ code: ResultCode) -> StoreError {
            StoreError(DatabaseError(resultCode: code), action: "open the store", path: "/data/sluice.db") { _ in
                DiskSpace(freeBytes: bytes, freeFiles: files)
            }
        }
        let full = open(4096, 9, code)
        #expect(full.kind == .diskFull)
        #expect(
            full.description == """
                cannot open the store at /data/sluice.db: disk full (SQLite \(code.rawValue)). Free space on that disk, \
                then try again; no stored event is lost.
                """)
        #expect(open(1 << 30, 0, code).reason == "disk full: no file can be created, since no inode is free")
        #expect(open(1 << 30, 9, code).kind != .diskFull && open(1 << 30, nil, code).kind != .diskFull)
        #expect(open(0, 9, .SQLITE_IOERR_READ).kind == .inputOutput, "reading needs no room")
    }

    @Test func `a log that a long reader keeps from being written back is said to grow`() async throws {
        var limits = StoreLimits()
        limits.walBytes = 1 << 20
        limits.journalBytes = 8 << 20
        let scratch = StoreScratch()
        let store = try scratch.open(limits)
        var group = CommitGroup()
        group.journal = (0..<50).map { _ in Sample.journal(bytes: 10_000) }
        for _ in 0..<20 { try await store.commit(group, wall: 0) }
        #expect(store.overgrownLog == nil)
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let reader = try DatabaseQueue(path: scratch.path, configuration: configuration)
        try reader.inDatabase { database in
            try database.execute(sql: "BEGIN; SELECT count(*) FROM journal")
        }
        for _ in 0..<20 { try await store.commit(group, wall: 0) }
        #expect(try #require(store.overgrownLog) > 5 << 20)
        let error = await #expect(throws: StoreError.self) { try await store.writeBackLog() }
        #expect(error?.description.contains("another program has been reading the file for long") == true)
        try reader.inDatabase { try $0.execute(sql: "COMMIT") }
        try await store.writeBackLog()
        try await store.commit(group, wall: 0)
        #expect(store.overgrownLog == nil)
    }

    @Test func `another program's lock is waited for, then named`() async throws {
        var limits = StoreLimits()
        limits.busySeconds = 0.05
        let scratch = StoreScratch()
        let store = try scratch.open(limits)
        let other = try OtherWriter(scratch.path)
        var group = CommitGroup()
        group.cursors[Sample.key] = Sample.cursor
        let error = await #expect(throws: StoreError.self) { try await store.commit(group, wall: 0) }
        #expect(error?.kind == .busy)
        try other.finish()
        try await store.commit(group, wall: 0)
    }

    @Test func `a file that is no database is refused and not touched`() throws {
        let scratch = StoreScratch()
        let text = [UInt8](String(repeating: "this is not a database. ", count: 100).utf8)
        write(text, to: scratch.path)
        let error = #expect(throws: StoreError.self) { try scratch.open() }
        #expect(error?.kind == .corrupt)
        #expect(error?.description.contains("not a Sluice store") == true, "\(String(describing: error))")
        #expect(read(scratch.path) == text)
    }

    @Test func `a damaged file gives an error with advice, not a crash`() async throws {
        let scratch = StoreScratch()
        let store = try scratch.open()
        var group = CommitGroup()
        group.added = (1...2_000).map { Sample.stored($0) }
        try await store.commit(group, wall: 0)
        try store.close()
        var bytes = read(scratch.path)
        for index in stride(from: 8_192, to: bytes.count, by: 3) { bytes[index] = 0xA5 }
        write(bytes, to: scratch.path)
        let error = await #expect(throws: StoreError.self) {
            let damaged = try scratch.open()
            _ = try await damaged.allPending()
        }
        #expect(error?.kind == .corrupt, "\(String(describing: error))")
        #expect(error?.description.contains("backup") == true)
    }

    @Test func `a store from a later version is refused`() async throws {
        let scratch = StoreScratch()
        let store = try scratch.open()
        try await store.perform("pretend") {
            try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99 from the future')")
        }
        try store.close()
        #expect(throws: StoreError.self) { try scratch.open() }
        let error = #expect(throws: StoreError.self) { try Store(readingPath: scratch.path) }
        #expect(error?.kind == .newer)
    }

    @Test func `a missing file or folder is said by its path`() {
        let error = #expect(throws: StoreError.self) { try Store(readingPath: "/nowhere/sluice.db") }
        #expect(error?.description.hasPrefix("cannot read the store at /nowhere/sluice.db: there is no such") == true)
        let other = #expect(throws: StoreError.self) { try Store(path: "/nowhere/sluice.db", wall: 0) }
        #expect(other?.kind == .cannotOpen)
        #expect(other?.description.contains("No such file or directory") == true)
    }

    @Test func `a file that is removed, or replaced, under the store is noticed at the next commit`() async throws {
        let scratch = StoreScratch()
        defer { scratch.end() }
        let store = try scratch.open()
        var group = CommitGroup()
        group.added = [Sample.stored(1)]
        rename(scratch.path, scratch.path + ".aside")
        let gone = await #expect(throws: StoreError.self) { try await store.commit(group, wall: 0) }
        #expect(gone?.kind == .gone && gone?.isRetryable == true)
        #expect(gone?.description.contains("the file was removed or renamed. Put it back") == true)
        close(open(scratch.path, O_CREAT | O_WRONLY, 0o600))
        let other = await #expect(throws: StoreError.self) { try await store.commit(group, wall: 0) }
        #expect(other?.description.contains("another file has its name now") == true)
        rename(scratch.path + ".aside", scratch.path)
        try await store.commit(group, wall: 0)
        #expect(try await store.allPending().count == 1)
    }

    @Test func `an error never shows what was to be stored`() async throws {
        let scratch = StoreScratch()
        defer { scratch.end() }
        let store = try scratch.open()
        var group = CommitGroup()
        let secret = Sample.stored(1, body: "TOP-SECRET-BODY")
        group.added = [secret, StoredDelivery(seq: 1, delivery: Sample.stored(2).delivery)]
        let error = await #expect(throws: StoreError.self) { try await store.commit(group, wall: 0) }
        #expect(error?.description.contains("UNIQUE constraint failed") == true)
        #expect(error?.description.contains("TOP-SECRET") == false)
    }
}
