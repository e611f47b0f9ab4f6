import Events
import Store

/// What the routes of cursors do, with and without a daemon.
struct CursorDesk: Sendable {
    let store: Store
    /// Nil while no daemon runs.
    let outbox: Outbox?
    let topics: TopicSwitch?
    let planner: CursorMovePlanner
    let time: TimeSource

    func list() async throws(ControlError) -> CursorList {
        let store = store
        return try await stored { () async throws(StoreError) in
            CursorList(
                cursors: try await store.cursors().map(CursorLine.init),
                saved: try await store.savedCursors().map {
                    CursorList.Saved(name: $0.name, cursor: CursorLine($0.cursor))
                })
        }
    }

    func export() async throws(ControlError) -> CursorDocument { CursorDocument(cursors: try await list().cursors) }

    // MARK: Moving

    func preview(_ request: CursorMoveRequest) async throws(ControlError) -> CursorMove {
        try await planner.move(key(request), to: request.target)
    }

    private func key(_ request: CursorMoveRequest) async throws(ControlError) -> Cursor.Key {
        let store = store
        let cursors = try await stored { () async throws(StoreError) in try await store.cursors().map(\.key) }
        let journal = try await stored { () async throws(StoreError) in try await store.journalTopics() }
        let saved = try await stored { () async throws(StoreError) in try await store.savedCursors().map(\.cursor.key) }
        let known = Set(cursors + journal + saved)
        let found = known.filter { key in
            TopicName.means(request.topic, key.topic) && (request.org == nil || key.org == request.org)
        }
        guard let key = found.first else {
            throw ControlError(
                .badInput, "nothing was ever relayed of a topic '\(request.topic)'. `sluice cursor list` shows them.")
        }
        guard found.count == 1 else {
            throw ControlError(
                .badInput, "'\(request.topic)' means \(found.count) topics: write it in full, and --org.")
        }
        return key
    }

    func moves(_ document: CursorDocument) async throws(ControlError) -> [CursorMove] {
        guard document.sluiceCursors == 1 else {
            throw ControlError(.badInput, "the file was written by another version of sluice.")
        }
        var moves: [CursorMove] = []
        for line in document.cursors { moves.append(try await planner.move(to: line.cursor())) }
        return moves
    }

    func perform(_ moves: [CursorMove]) async throws(ControlError) -> [CursorMoved] {
        var moved: [CursorMoved] = []
        for move in moves { moved.append(CursorMoved(move: move, isLive: try await perform(move))) }
        return moved
    }

    /// - Returns: whether the stream goes on from there already.
    private func perform(_ move: CursorMove) async throws(ControlError) -> Bool {
        let store = store
        let now = time.wall()
        let statement = LossStatement(
            at: now, key: move.key, kind: LossStatement.moved,
            text: "an operator moved the cursor from \(move.from ?? "none") to \(move.to ?? "none"): \(move.statement)",
            lostFrom: move.skipsSince)
        let cursor = move.cursor(now: now)
        let write = { @Sendable () async throws(ControlError) in
            try await stored { () async throws(StoreError) in
                try await store.moveCursor(move.key, to: cursor, saying: statement)
            }
        }
        guard let outbox else {
            try await write()
            return false
        }
        guard let topics else {
            throw ControlError(.failed, "a running relay holds this cursor: stop it, then move the cursor.")
        }
        return try await topics.move(move.key) { () async throws(ControlError) in
            // What the stream handed over moves the cursor once more when it is committed: before ours, not after it.
            await outbox.flush()
            try await write()
        }
    }

    // MARK: Names

    func save(_ request: CursorSaveRequest) async throws(ControlError) -> CursorSaved {
        try Self.check(request.name)
        let store = store
        let now = time.wall()
        let count = try await stored { () async throws(StoreError) in
            let chosen = try await store.cursors().map(\.key).filter { key in
                request.topics.isEmpty || request.topics.contains { TopicName.means($0, key.topic) }
            }
            return chosen.isEmpty ? 0 : try await store.saveCursors(of: chosen, as: request.name, wall: now)
        }
        guard count > 0 else { throw ControlError(.badInput, "no topic of that name has a cursor yet.") }
        return CursorSaved(name: request.name, count: count)
    }

    func forget(_ name: String) async throws(ControlError) -> CursorSaved {
        let store = store
        let was = try await stored { () async throws(StoreError) in try await store.removeSavedCursors(name) }
        guard was else { throw ControlError(.badInput, "no cursor was saved as '\(name)'.") }
        return CursorSaved(name: name, count: 0)
    }

    private static func check(_ name: String) throws(ControlError) {
        let isGood = (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_.".utf8.contains(byte)
            }
        guard isGood else {
            throw ControlError(.badInput, "a cursor's name has letters, digits, '-', '_' and '.', at most 64.")
        }
    }
}
