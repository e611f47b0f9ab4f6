import Events
import GRDB
import Glibc
import Testing

@testable import Store

/// A folder for one store that goes away with the test.
final class StoreScratch: Sendable {
    private let folder: String

    init() {
        var template = Array("/tmp/sluice-store-XXXXXX".utf8CString)
        folder = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    var path: String { folder + "/sluice.db" }

    func open(_ limits: StoreLimits = StoreLimits()) throws(StoreError) -> Store {
        try Store(path: path, limits: limits, wall: 1_760_000_000_000)
    }

    /// Keeps the folder until then.
    func end() {}

    deinit {
        for name in ["", "-wal", "-shm", ".lock"] { unlink(path + name) }
        rmdir(folder)
    }
}

extension Store {
    func allPending() async throws -> [StoredDelivery] {
        try await pending([OutboxRead(destination: "hook", isGathered: false, after: 0, limit: 1_000_000)])[0]
            + pending([OutboxRead(destination: "hook", isGathered: true, after: 0, limit: 1_000_000)])[0]
    }
}

enum Sample {
    static let key = Cursor.Key(org: "prod", topic: "/data/ChangeEvents")
    static let cursor = Cursor(
        key: key, orgID: "00D000000000001AAA", instanceURL: "https://x.my.salesforce.com",
        replayID: ReplayID([0, 1, 2, 255])!, commitTime: 77, updatedAt: 78)
    static let targets: [DeliveryTarget] = [
        .webhook(method: "PUT", path: "/a%2Fb", headers: [DeliveryTarget.Header(name: "x-a", value: "ü\"")]),
        .flow(id: "64b000000000000000000001"),
        .listener(name: "orders"),
        .run(
            FlowRunRequest(
                flow: "64b", exports: ["e1"], from: 1, until: 2, quietMilliseconds: 3, maximumMilliseconds: 4,
                limit: 5)),
    ]

    static func stored(
        _ seq: Int64, lane: String = "001", target: DeliveryTarget = targets[0], body: String = "{}"
    ) -> StoredDelivery {
        StoredDelivery(
            seq: seq,
            delivery: Delivery(
                id: "sl_\(seq)", rule: "orders", destination: "hook", lane: lane, target: target,
                body: [UInt8](body.utf8),
                origin: DeliveryOrigin(
                    orgID: "00D000000000001AAA", topic: key.topic, replayID: ReplayID([UInt8(seq & 255), 1])!,
                    entity: "Account", change: "update", recordID: "001000000000001AAA", time: 1_000 + seq,
                    commit: seq % 3 == 0 ? nil : CommitPlace(number: 12_171_455_203_204 + seq, sequence: seq % 3)),
                retry: RetryLimits(horizonMilliseconds: 5, maximumAttempts: seq % 2 == 0 ? 3 : nil, onError: .pause)))
    }

    static var deadLetter: DeadLetter {
        DeadLetter(
            delivery: stored(900).delivery, reason: .rejected, detail: "400: bad field", attempts: 2,
            history: [AttemptRecord(number: 2, at: 4, status: 400, reason: "bad field", excerpt: "{\"e\":1}")],
            diedAt: 99)
    }

    static var quarantined: QuarantinedEvent {
        QuarantinedEvent(
            org: key.org, topic: key.topic, replayID: ReplayID([5])!, schemaID: "s", eventID: "e",
            payload: [0, 255, 1], reason: "truncated", at: 8)
    }

    static func journal(bytes: Int, at: Int64 = 0) -> JournalEntry {
        JournalEntry(
            org: key.org, topic: key.topic, receivedAt: at, firstReplayID: ReplayID([1])!,
            lastReplayID: ReplayID([2])!, eventCount: 3, raw: [UInt8](repeating: 7, count: bytes))
    }
}

/// A program beside ours that holds SQLite's write lock.
final class OtherWriter {
    private let queue: DatabaseQueue

    init(_ path: String) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
    }

    func finish() throws { try queue.inDatabase { try $0.execute(sql: "ROLLBACK") } }
}

/// A shell with its standard output on a pipe.
final class Child {
    private(set) var pid: pid_t = 0
    private let output: Int32
    private let input: Int32

    init(shell script: String) throws {
        var out: [Int32] = [0, 0]
        var into: [Int32] = [0, 0]
        try #require(pipe(&out) == 0 && pipe(&into) == 0)
        for descriptor in [out[0], into[1]] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, into[0], 0)
        posix_spawn_file_actions_adddup2(&actions, out[1], 1)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let words: [String] = ["/bin/bash", "-c", script]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { (word: String) in strdup(word) } + [nil]
        defer { for argument in arguments { free(argument) } }
        let code = posix_spawn(&pid, "/bin/bash", &actions, nil, &arguments, environ)
        close(out[1])
        close(into[0])
        output = out[0]
        input = into[1]
        try #require(code == 0)
    }

    func readLine() -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while Glibc.read(output, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
        return String(decoding: line, as: UTF8.self)
    }

    /// SIGKILL, and waits until it is gone.
    func kill() {
        Glibc.kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    deinit {
        close(output)
        close(input)
    }
}

func read(_ path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4 << 20)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    return Array(bytes.prefix(max(0, count)))
}

func write(_ bytes: [UInt8], to path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { close(descriptor) }
    _ = Glibc.write(descriptor, bytes, bytes.count)
}
