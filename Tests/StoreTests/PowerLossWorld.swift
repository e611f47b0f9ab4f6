import Events
import Testing

@testable import Store

/// A relay in miniature on a disk whose power fails: events 0, 1, 2 … of a stream, of which some are acknowledged by a
/// receiver (who has power), some stored, some put to the dead letters. What it knows outside the disk is the truth
/// that the store is held to.
struct PowerLossWorld {
    /// How a planted defect breaks the rule.
    enum Defect { case none, cursorFirst, neverSynced }

    static let key = Cursor.Key(org: "prod", topic: "/data/ChangeEvents")
    static let replayKey = Cursor.Key(org: "prod", topic: "/data/ChangeEvents", scope: .replay("rp00000001"))

    let disk = PowerLossDisk()
    let defect: Defect
    var random: SeededRandom
    /// Has what was delivered, by number.
    var acknowledged: Set<Int> = []
    /// An operator dropped them, and was told so.
    var dropped: Set<Int> = []
    /// What was promised to be on disk: a flow's state, and where a named cursor stands.
    var promisedFlow = -1
    var promisedCursor: Int?
    var failures = 0
    /// Of these, how many hit it at work.
    var failuresAtWork = 0
    var problems: [String] = []

    init(seed: UInt64, defect: Defect = .none) {
        random = SeededRandom(seed: seed)
        self.defect = defect
    }

    /// Lives through several failures, and a last quiet look.
    mutating func run(lives: Int) async {
        for _ in 0..<lives {
            // Making the tables alone takes most of the smaller number; the test asserts that work is hit as well.
            let most = Bool.random(using: &random) ? 350 : 1_000
            disk.arm(after: Int.random(in: 1...most, using: &random), seed: random.next())
            await live()
            if disk.hasFailed { failures += 1 }
            disk.restore()
        }
        await live(isLast: true)
    }

    private mutating func live(isLast: Bool = false) async {
        let store: Store
        do throws(StoreError) {
            store = try disk.open()
        } catch {
            if !disk.hasFailed { problems.append("does not open: \(error)") }
            return
        }
        do {
            try await prepare(store)
            try await check(store)
            guard !isLast else { return try store.close() }
            let isWell = !disk.hasFailed
            defer { if isWell, disk.hasFailed { failuresAtWork += 1 } }
            try await work(store)
        } catch {
            if !disk.hasFailed { problems.append("failed with power: \(error)") }
        }
        try? store.close()
    }

    /// Checkpoints often, so that most failures hit one.
    private func prepare(_ store: Store) async throws {
        try await store.checkpointOften(neverSyncs: defect == .neverSynced)
    }

    // MARK: What must hold

    private mutating func check(_ store: Store) async throws {
        let verdict = try await store.verdict()
        if verdict != ["ok"] { problems.append("damaged: \(verdict.prefix(2))") }
        let cursor = try await Self.number(store.cursor(Self.key)?.replayID) ?? -1
        let kept = try await Set(store.allPending().compactMap { Int($0.delivery.id.dropFirst(3)) })
        let dead = try await Set(store.deadLetters(limit: 100_000).compactMap { Int($0.delivery.id.dropFirst(3)) })
        let lost = Set(0..<(cursor + 1)).subtracting(acknowledged).subtracting(kept).subtracting(dead).subtracting(dropped)
        if !lost.isEmpty { problems.append("the cursor \(cursor) passed \(lost.sorted().prefix(5)), which are nowhere") }
        try await checkReplay(store, kept)
        try await checkCounters(store)
        let flow = try await store.flowRunStates(of: "io")["f"].flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? -1
        if flow < promisedFlow { problems.append("a synced flow state is gone: \(flow), \(promisedFlow) was promised") }
        if let promisedCursor {
            let saved = try await store.savedCursors("mine").first.flatMap { Self.number($0.cursor.replayID) }
            if saved ?? -1 < promisedCursor { problems.append("a saved cursor is gone: \(String(describing: saved))") }
        }
    }

    /// Replayed events have numbers above a million.
    private mutating func checkReplay(_ store: Store, _ kept: Set<Int>) async throws {
        guard let position = try await store.replayPositions("rp00000001").first else { return }
        let numbers = Set((0..<position.progress.events).map { 1_000_000 + $0 })
        let lost = numbers.subtracting(acknowledged).subtracting(kept)
        if !lost.isEmpty { problems.append("the replay's position passed \(lost.sorted().prefix(5))") }
    }

    private mutating func checkCounters(_ store: Store) async throws {
        if try await store.countsHaveDrifted() { problems.append("the counts of journal or quarantine have drifted") }
    }

    // MARK: What it does

    private mutating func work(_ store: Store) async throws {
        var seq = try await store.lastSeq()
        for _ in 0..<14 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0: try await saveFlow(store)
            case 1:
                let cursor = try await Self.number(store.cursor(Self.key)?.replayID)
                if let cursor, try await store.saveCursors(of: [Self.key], as: "mine", wall: 1) == 1 {
                    promisedCursor = cursor
                }
            case 2: try await resend(store, &seq)
            case 3: try await drop(store)
            case 4: try await replay(store, &seq)
            default: try await step(store, &seq)
            }
        }
    }

    /// Some more events, and some acknowledgements of earlier ones, in one group.
    private mutating func step(_ store: Store, _ seq: inout Int64) async throws {
        let first = (try await Self.number(store.cursor(Self.key)?.replayID) ?? -1) + 1
        let last = first + Int.random(in: 0..<8, using: &random)
        var group = CommitGroup()
        for number in first...last {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5: acknowledged.insert(number)
            case 5: group.deadLetters.append(Self.letter(number))
            default:
                seq += 1
                group.added.append(Self.delivery(number, seq: seq, bytes: Int.random(in: 10...3_000, using: &random)))
            }
        }
        for row in try await store.allPending().shuffled(using: &random).prefix(4) {
            guard Bool.random(using: &random), let number = Int(row.delivery.id.dropFirst(3)) else { continue }
            acknowledged.insert(number)
            group.removed.append(row.seq)
        }
        if Bool.random(using: &random) { group.quarantine = [Self.quarantined(first % 7)] }
        group.journal = [Sample.journal(bytes: Int.random(in: 100...9_000, using: &random))]
        group.cursors[Self.key] = Self.cursor(Self.key, last)
        if defect == .cursorFirst {
            var early = CommitGroup()
            early.cursors = group.cursors
            group.cursors = [:]
            try await store.commit(early, wall: 1)
        }
        try await store.commit(group, wall: 1)
    }

    private mutating func saveFlow(_ store: Store) async throws {
        let next = promisedFlow + 1
        try await store.saveFlowRunState([UInt8](String(next).utf8), destination: "io", flow: "f")
        promisedFlow = next
    }

    /// Dead letters become deliveries again; of these some are acknowledged before the commit.
    private mutating func resend(_ store: Store, _ seq: inout Int64) async throws {
        let letters = try await store.deadLetters(DeadLetterFilter(), newestFirst: false).prefix(5)
        let token = "t\(random.next())"
        let marked = try await store.markResending(deadLetters: letters.map(\.letter.delivery.id), token: token)
        if Int.random(in: 0..<4, using: &random) == 0 { return try await store.unmarkResending(token: token) }
        var group = CommitGroup()
        for id in marked.sorted() {
            guard let number = Int(id.dropFirst(3)) else { continue }
            if Bool.random(using: &random) {
                acknowledged.insert(number)
            } else {
                seq += 1
                group.added.append(Self.delivery(number, seq: seq, bytes: 50))
            }
        }
        let key = Cursor.Key(org: "", topic: "", scope: .resend(token))
        group.cursors[key] = Self.cursor(key, 0)
        try await store.commit(group, wall: 2)
    }

    private mutating func drop(_ store: Store) async throws {
        guard let letter = try await store.deadLetters(limit: 1).first else { return }
        // It counts as dropped from the moment on in which that was asked for.
        if let number = Int(letter.delivery.id.dropFirst(3)) { dropped.insert(number) }
        _ = try await store.dropDeadLetters(DeadLetterFilter(ids: [letter.delivery.id]))
    }

    private mutating func replay(_ store: Store, _ seq: inout Int64) async throws {
        var progress = try await store.replayPositions("rp00000001").first?.progress ?? ReplayProgress()
        var group = CommitGroup()
        for _ in 0..<3 {
            let number = 1_000_000 + progress.events
            progress.events += 1
            if Bool.random(using: &random) {
                acknowledged.insert(number)
            } else {
                seq += 1
                group.added.append(Self.delivery(number, seq: seq, bytes: 50))
            }
        }
        var cursor = Self.cursor(Self.replayKey, progress.events)
        cursor.replay = progress
        group.cursors[Self.replayKey] = cursor
        try await store.commit(group, wall: 3)
    }
}

extension PowerLossWorld {
    static func number(_ id: ReplayID?) -> Int? { id.map { $0.bytes.reduce(0) { $0 << 8 | Int($1) } } }

    static func replayID(_ number: Int) -> ReplayID {
        ReplayID((0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) })!
    }

    static func cursor(_ key: Cursor.Key, _ number: Int) -> Cursor {
        Cursor(
            key: key, orgID: "00D000000000001AAA", instanceURL: "https://x.my.salesforce.com",
            replayID: replayID(number), commitTime: Int64(number), updatedAt: 1)
    }

    static func delivery(_ number: Int, seq: Int64, bytes: Int) -> StoredDelivery {
        var delivery = Sample.stored(Int64(number)).delivery
        delivery.body = [UInt8](repeating: UInt8(ascii: "b"), count: bytes)
        return StoredDelivery(seq: seq, delivery: delivery)
    }

    static func letter(_ number: Int) -> DeadLetter {
        DeadLetter(
            delivery: Sample.stored(Int64(number)).delivery, reason: .rejected, detail: "400", attempts: 1, diedAt: 1)
    }

    static func quarantined(_ number: Int) -> QuarantinedEvent {
        QuarantinedEvent(
            org: "prod", topic: "/data/ChangeEvents", replayID: replayID(number), schemaID: "s", eventID: "e",
            payload: [1, 2, 3], reason: "truncated", at: 1)
    }
}

/// SplitMix64.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
