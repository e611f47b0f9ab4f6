import Events
import Glibc
import Testing

@testable import Store

@Suite struct StoreTests {
    @Test func `everything written is there after a reopen`() async throws {
        let scratch = StoreScratch()
        var group = CommitGroup()
        group.cursors[Sample.key] = Sample.cursor
        group.journal = [Sample.journal(bytes: 500)]
        group.added = Sample.targets.enumerated().map { Sample.stored(Int64($0.offset + 1), target: $0.element) }
        group.deadLetters = [Sample.deadLetter]
        group.quarantine = [Sample.quarantined]
        group.statements = [LossStatement(at: 5, key: Sample.key, kind: "gap", text: "possible gap")]
        group.destinationStates["hook"] = DestinationState(
            destination: "hook", state: "held", detail: "401", since: 1, nextTry: 2)
        let stream = StreamState(
            key: Sample.key, state: "streaming", detail: "", since: 3, lastReceivedAt: nil, reconnects: 2)
        do {
            let store = try scratch.open()
            try await store.commit(group, wall: 0)
            try await store.saveSchema("{}", id: "abc")
            try await store.saveFlowRunState([0x7B, 0x7D], destination: "io", flow: "f1")
            try await store.set(stream)
            try store.close()
        }
        let store = try scratch.open()
        #expect(try await store.cursors() == [Sample.cursor])
        #expect(try await store.journal(of: Sample.key, limit: 10).map(\.entry) == group.journal)
        #expect(try await store.allPending() == group.added)
        #expect(try await store.deadLetters() == [Sample.deadLetter])
        #expect(try await store.deadLetterCounts() == ["hook": 1])
        #expect(try await store.quarantine() == [Sample.quarantined])
        #expect(try await store.statements() == group.statements)
        #expect(try await store.destinationStates().map(\.detail) == ["401"])
        #expect(try await store.streamStates() == [stream])
        #expect(try await store.schema("abc") == "{}")
        #expect(try await store.schema("none") == nil)
        #expect(try await store.flowRunStates(of: "io") == ["f1": [0x7B, 0x7D]])
        #expect(try await store.lastSeq() == Int64(group.added.count))
    }

    @Test func `a keepalive's cursor keeps the commit time of the last event`() async throws {
        let scratch = StoreScratch()
        defer { scratch.end() }
        let store = try scratch.open()
        var group = CommitGroup()
        group.cursors[Sample.key] = Sample.cursor
        try await store.commit(group, wall: 0)
        group.cursors[Sample.key]?.commitTime = nil
        group.cursors[Sample.key]?.replayID = ReplayID([9])!
        try await store.commit(group, wall: 0)
        let cursor = try #require(try await store.cursor(Sample.key))
        #expect(cursor.commitTime == Sample.cursor.commitTime)
        #expect(cursor.replayID == ReplayID([9])!)
    }

    @Test func `progress is updated, done deliveries go, a known delivery is not added again`() async throws {
        let scratch = StoreScratch()
        defer { scratch.end() }
        let store = try scratch.open()
        var group = CommitGroup()
        group.added = (1...3).map { Sample.stored($0) }
        try await store.commit(group, wall: 0)

        var progress = DeliveryProgress()
        progress.append(AttemptRecord(number: 1, at: 10, status: 503, reason: "busy", excerpt: "x"), startedAt: 9)
        progress.nextAttemptAt = 20
        var next = CommitGroup()
        next.changed = [CommitGroup.Progress(seq: 2, progress: progress)]
        next.removed = [1]
        next.added = [StoredDelivery(seq: 7, delivery: Sample.stored(3).delivery)]
        try await store.commit(next, wall: 0)
        #expect(try await store.allPending().map(\.seq) == [2, 3])
        #expect(try await store.allPending()[0].progress == progress)
        #expect(
            try await store.pendingCounts()
                == [PendingCount(destination: "hook", isGathered: false, count: 2, oldestTime: 1_002)])
    }

    @Test func `reads page by destination, kind, lane and bounds`() async throws {
        let scratch = StoreScratch()
        defer { scratch.end() }
        let store = try scratch.open()
        var group = CommitGroup()
        group.added = (1...20).map { Sample.stored($0, lane: $0 % 2 == 0 ? "even" : "odd") }
        group.added.append(Sample.stored(21, target: Sample.targets[3]))
        try await store.commit(group, wall: 0)
        let found = try await store.pending([
            OutboxRead(destination: "hook", isGathered: false, after: 3, limit: 2),
            OutboxRead(destination: "hook", isGathered: false, lane: "even", after: 4, through: 9, limit: 10),
            OutboxRead(destination: "hook", isGathered: true, after: 0, limit: 10),
            OutboxRead(destination: "none", isGathered: false, after: 0, limit: 10),
        ])
        #expect(found.map { $0.map(\.seq) } == [[4, 5], [6, 8], [21], []])
    }

    @Test func `claims are read by the first part of their lane, over an index of their own`() async throws {
        let scratch = StoreScratch()
        defer { scratch.end() }
        let store = try scratch.open()
        var group = CommitGroup()
        let lanes = ["a/x", "a", "ab/x", "ü/y/z", "a/y", "/q"]
        group.added = lanes.enumerated().map {
            Sample.stored(Int64($0.offset + 1), lane: $0.element, target: Sample.targets[3])
        }
        group.added.append(Sample.stored(7, lane: "a/x"))
        try await store.commit(group, wall: 0)
        #expect(try await store.claimGroups().mapValues(Set.init) == ["hook": ["a", "ab", "ü", ""]])
        for (number, lane) in lanes.enumerated() {
            let read = OutboxRead(
                destination: "hook", group: group.added[number].delivery.claimGroup, after: 0, limit: 10)
            let found = try await store.pending([read])[0].map(\.delivery.lane)
            #expect(found == (lane.hasPrefix("a/") || lane == "a" ? ["a/x", "a", "a/y"] : [lane]))
        }
        let later = OutboxRead(destination: "hook", group: "a", after: 1, limit: 1)
        #expect(try await store.pending([later])[0].map(\.seq) == [2])
    }

    @Test func `the history of attempts keeps the first and the latest`() {
        var progress = DeliveryProgress()
        for number in 1...50 {
            progress.append(
                AttemptRecord(number: number, at: Int64(number), status: nil, reason: "r"), startedAt: Int64(number))
        }
        #expect(progress.history.map(\.number) == [1] + Array(42...50))
        #expect(progress.attempts == 50 && progress.firstAttemptAt == 1)
    }

    @Test func `the journal is pruned by size and by age, and shrinks the file again`() async throws {
        var limits = StoreLimits()
        limits.journalBytes = 100_000
        limits.journalMilliseconds = 1_000
        let scratch = StoreScratch()
        let store = try scratch.open(limits)
        for number in 0..<100 {
            var group = CommitGroup()
            group.journal = (0..<10).map { _ in Sample.journal(bytes: 1_000, at: Int64(number)) }
            try await store.commit(group, wall: Int64(number))
        }
        #expect(try await store.journalSize().bytes <= 100_000)
        #expect(try await store.journalSize().rows == 100)
        var group = CommitGroup()
        group.journal = [Sample.journal(bytes: 10, at: 5_000)]
        try await store.commit(group, wall: 5_000)
        #expect(try await store.journalSize().rows == 1)
        #expect(try await store.journalSize().bytes == 10)
    }

    @Test func `a clock that is ahead takes nothing out of the journal`() async throws {
        var limits = StoreLimits()
        limits.journalMilliseconds = 1_000
        let scratch = StoreScratch()
        defer { scratch.end() }
        let store = try scratch.open(limits)
        for number: Int64 in 1...3 {
            var entry = Sample.journal(bytes: 10, at: number * 100)
            entry.commitTime = number * 100
            // What is received last, the clock having jumped by a month.
            if number == 3 { entry.receivedAt += 2_592_000_000 }
            var group = CommitGroup()
            group.journal = [entry]
            try await store.commit(group, wall: entry.receivedAt)
        }
        #expect(try await store.journalSize().rows == 3)
    }

    @Test func `no journal is kept when its limit is zero`() async throws {
        var limits = StoreLimits()
        limits.journalBytes = 0
        let scratch = StoreScratch()
        defer { scratch.end() }
        let store = try scratch.open(limits)
        var group = CommitGroup()
        group.journal = [Sample.journal(bytes: 10)]
        try await store.commit(group, wall: 0)
        #expect(try await store.journalSize().rows == 0)
    }

    @Test func `the file is readable by its owner only`() throws {
        let scratch = StoreScratch()
        let store = try scratch.open()
        for name in ["", "-wal", "-shm", ".lock"] {
            var status = stat()
            #expect(stat(scratch.path + name, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600, "\(name)")
        }
        try store.close()
    }
    @Test func `that a dead letter was sent again stands in front of what came of it`() async throws {
        let scratch = StoreScratch()
        defer { scratch.end() }
        let store = try scratch.open()
        var group = CommitGroup()
        group.deadLetters = [Sample.deadLetter]
        try await store.commit(group, wall: 100)
        let id = Sample.deadLetter.delivery.id
        #expect(try await store.markResending(deadLetters: [id], token: "t") == [id])
        // It is tried, and dies again, before the commit that says that it was sent.
        let key = Cursor.Key(org: "", topic: "", scope: .resend("t"))
        var asked = Sample.cursor
        asked.key = key
        asked.updatedAt = 150
        group = CommitGroup()
        group.cursors[key] = asked
        var again = Sample.deadLetter
        again.history = [AttemptRecord(number: 1, at: 170, status: 400, reason: "bad field", excerpt: "")]
        group.deadLetters = [again]
        try await store.commit(group, wall: 250)
        let history = try #require(try await store.deadLetters().first?.history)
        #expect(history.map(\.at) == [4, 150, 170])
        #expect(history.map(\.number) == [2, 0, 1])
    }
}
