import Events
import Store

/// Where an operator wants a topic to go on.
package enum CursorTarget: Sendable, Equatable, Codable {
    /// After this event, base64.
    case replayID(String)
    /// Where a saved cursor is.
    case cursor(String)
    /// Before the first event that was committed then or later, epoch milliseconds.
    case time(Int64)
    /// Nowhere: the topic starts as its configuration says.
    case unset
}

/// A move, looked up, and what it would skip or repeat. Names of fields are those of the JSON.
package struct CursorMove: Sendable, Equatable, Codable {
    package enum Effect: String, Sendable, Codable { case nothing, repeats, skips, unknown }

    package var org: String
    package var topic: String
    package var orgId: String
    package var instanceUrl: String
    /// Base64; nil where there is none.
    package var from: String?
    /// When the last event before the present position was committed, or came.
    package var fromTime: ControlTime?
    package var to: String?
    /// Of the event at `to`, where it is known.
    package var commitTime: ControlTime?
    package var receivedAt: ControlTime?
    package var effect: Effect
    /// Events that are relayed again, each once, where they can be counted.
    package var repeated: Int?
    /// One or two sentences.
    package var statement: String

    package var key: Cursor.Key { Cursor.Key(org: org, topic: topic) }

    /// Since when events may be skipped, epoch milliseconds; nil where none is, or it is not known.
    var skipsSince: Int64? {
        guard effect == .skips || effect == .unknown, let from = fromTime?.milliseconds else { return nil }
        if let to = commitTime?.milliseconds, to <= from { return nil }
        return from
    }

    /// - Parameter now: stands for when the event was received, where nothing is known. Where only the position before is
    ///   known, what was relayed until then is what counts.
    func cursor(now: Int64) -> Cursor? {
        guard let id = to.flatMap(ReplayID.init(base64:)) else { return nil }
        return Cursor(
            key: key, orgID: orgId, instanceURL: instanceUrl, replayID: id, commitTime: commitTime?.milliseconds,
            updatedAt: receivedAt?.milliseconds ?? fromTime?.milliseconds ?? now)
    }
}

/// Finds out what a move means.
struct CursorMovePlanner: Sendable {
    /// Events that are looked at one by one; of more it is only said how many they are at most.
    static let maximumCounted = 100_000
    private static let rowsPerRead = 50

    let store: Store
    let orgs: ReplayOrgs
    let time: TimeSource
    /// What the configuration says a topic without a cursor starts with; nil if it does not name the topic.
    let start: @Sendable (Cursor.Key) -> String?

    func move(_ key: Cursor.Key, to target: CursorTarget) async throws(ControlError) -> CursorMove {
        let store = store
        let present = try await stored { () async throws(StoreError) in try await store.cursor(key) }
        var move = CursorMove(
            org: key.org, topic: key.topic, orgId: present?.orgID ?? "", instanceUrl: present?.instanceURL ?? "",
            from: present?.replayID.description, fromTime: present.map { ControlTime($0.commitTime ?? $0.updatedAt) },
            effect: .unknown, statement: "")
        switch target {
        case .unset: unset(&move, present)
        case .replayID(let text):
            guard let id = ReplayID(base64: text) else {
                throw ControlError(.badInput, "'\(text)' is not a replay ID: base64, or hexadecimal digits.")
            }
            try await after(id, &move)
        case .time(let time): try await at(time, &move)
        case .cursor(let name): try await saved(name, &move)
        }
        guard !move.orgId.isEmpty || move.to == nil else {
            throw ControlError(
                .failed,
                "\(key.topic) has no cursor yet, so it is not known which org a replay ID belongs to. Let it run once, "
                    + "or import a cursor.")
        }
        return move
    }

    /// A cursor from elsewhere.
    func move(to cursor: Cursor) async throws(ControlError) -> CursorMove {
        var move = try await move(cursor.key, to: .unset)
        if move.from != nil, move.orgId != cursor.orgID {
            throw ControlError(
                .badInput,
                "the cursor of \(cursor.key.topic) belongs to org \(cursor.orgID), and here it is \(move.orgId): a "
                    + "replay ID means nothing in another org.")
        }
        move.orgId = cursor.orgID
        move.instanceUrl = cursor.instanceURL
        move.repeated = nil
        try await after(cursor.replayID, &move)
        move.commitTime = move.commitTime ?? cursor.commitTime.map(ControlTime.init)
        move.receivedAt = move.receivedAt ?? ControlTime(cursor.updatedAt)
        return move
    }

    // MARK: Targets

    private func unset(_ move: inout CursorMove, _ present: Cursor?) {
        let since = present.map { "since \(Timestamp.rfc3339($0.commitTime ?? $0.updatedAt))" } ?? "until then"
        let latest = "events \(since) that are not relayed yet are skipped and never relayed"
        let earliest = "everything that Salesforce still keeps (72 hours) comes again"
        switch start(move.key) {
        case "latest":
            move.effect = .skips
            move.statement = "The topic starts at the latest event, as it is configured: \(latest)."
        case "earliest":
            move.effect = .repeats
            move.statement = "The topic starts at the earliest event, as it is configured: \(earliest)."
        default:
            move.statement =
                "The topic starts as if it were new: with start: latest, \(latest); with start: earliest, \(earliest)."
        }
    }

    private func after(_ id: ReplayID, _ move: inout CursorMove) async throws(ControlError) {
        move.to = id.description
        guard let found = try await JournalSearch(store: store, key: move.key).find(id) else {
            return move.to == move.from ? nothing(&move) : unknown(&move)
        }
        let time = try await commitTime(of: found.events[found.index], in: found.row, move.key)
        move.commitTime = time.map(ControlTime.init)
        move.receivedAt = ControlTime(found.row.entry.receivedAt)
        repeats(try await count(move.key, from: found.row.id, since: time, behind: id), &move)
    }

    private func saved(_ name: String, _ move: inout CursorMove) async throws(ControlError) {
        let (store, key) = (store, move.key)
        let saved = try await stored { () async throws(StoreError) in try await store.savedCursors(name) }
        guard let mine = saved.first(where: { $0.cursor.key == key }) else {
            throw ControlError(
                .badInput, "no cursor of \(key.topic) was saved as '\(name)'. `sluice cursor list` shows them.")
        }
        if move.from == nil { (move.orgId, move.instanceUrl) = (mine.cursor.orgID, mine.cursor.instanceURL) }
        guard mine.cursor.orgID == move.orgId else {
            throw ControlError(.badInput, "'\(name)' was saved in another org (\(mine.cursor.orgID)).")
        }
        try await after(mine.cursor.replayID, &move)
        move.commitTime = move.commitTime ?? mine.cursor.commitTime.map(ControlTime.init)
        move.receivedAt = move.receivedAt ?? ControlTime(mine.cursor.updatedAt)
        let begins = try await stored { () async throws(StoreError) in try await store.journalFirstRow() }
        guard move.effect == .unknown, let row = mine.journalRow, let begins, begins <= row + 1 else { return }
        repeats(try await count(key, from: row + 1, since: mine.cursor.commitTime.map { $0 + 1 }), &move)
    }

    private func at(_ time: Int64, _ move: inout CursorMove) async throws(ControlError) {
        let (store, key) = (store, move.key)
        let first = try await stored { () async throws(StoreError) in
            try await store.journalRow(of: key, receivedSince: time - ReplayPlanner.clockSlack)
        }
        guard let first else {
            throw ControlError(.failed, "the journal has nothing of \(key.topic) that was received since then.")
        }
        var before: (id: ReplayID, time: Int64?, receivedAt: Int64)?
        // The row before it too, for the event that is to be the cursor.
        var after = try await previous(first, key)
        while true {
            let from = after
            let rows = try await stored { () async throws(StoreError) in
                try await store.journal(of: key, after: from, limit: 50)
            }
            guard let last = rows.last else { break }
            after = last.id
            for row in rows {
                for event in JournalSearch.events(of: row) {
                    let committed = try await commitTime(of: event, in: row, key)
                    if let committed, committed >= time { return try await found(before, time, &move) }
                    before = (event.replayID, committed, row.entry.receivedAt)
                }
            }
        }
        throw ControlError(.failed, "the journal has no event of \(key.topic) that was committed since then.")
    }

    private func found(
        _ before: (id: ReplayID, time: Int64?, receivedAt: Int64)?, _ time: Int64, _ move: inout CursorMove
    ) async throws(ControlError) {
        guard let before else {
            throw ControlError(
                .failed,
                "the journal of \(move.topic) begins after \(Timestamp.rfc3339(time)), so that the event before it is not "
                    + "known; `sluice replay --from` can start there all the same.")
        }
        try await after(before.id, &move)
    }

    private func previous(_ row: Int64, _ key: Cursor.Key) async throws(ControlError) -> Int64 {
        let store = store
        let span = try await stored { () async throws(StoreError) in
            try await store.journalSpan(of: key, through: row - 1)
        }
        return (span?.lastRow ?? row) - 1
    }

    private func commitTime(
        of event: ConsumerEvent, in row: JournalRow, _ key: Cursor.Key
    ) async throws(ControlError) -> Int64? {
        let orgs = orgs
        let known = try await stored { () async throws(StoreError) in try await orgs.entry(key.org) }
        guard let entry = known else { return nil }
        let events = try? await EventReader(entry, time: time).decode(
            event, topic: key.topic, receivedAt: row.entry.receivedAt
        ).get()
        return events?.first?.time
    }

    /// Events behind a place. The journal may have them more than once, and others between them: what an earlier move
    /// repeated stands there again.
    ///
    /// - Parameters:
    ///   - row: the first to look at, where it is not known when its events were committed.
    ///   - time: rows without anything committed then or later lie before the place.
    ///   - id: the last event before the place, in whichever rows it stands.
    private func count(
        _ key: Cursor.Key, from row: Int64, since time: Int64?, behind id: ReplayID? = nil
    ) async throws(ControlError) -> Count {
        let store = store
        var first: Int64? = row
        if let time, id != nil {
            first = try await stored { () async throws(StoreError) in
                try await store.journalRow(of: key, committedSince: time)
            }
        }
        guard let first else { return Count() }
        let span = try await stored { () async throws(StoreError) in
            try await store.journalSpan(of: key, after: first - 1)
        }
        guard let span else { return Count() }
        guard span.events <= Self.maximumCounted else { return Count(events: span.events, isExact: false) }
        var seen: Set<ReplayID> = []
        var after = first - 1
        while true {
            let from = after
            let rows = try await stored { () async throws(StoreError) in
                try await store.journal(of: key, after: from, limit: Self.rowsPerRead)
            }
            guard let last = rows.last else { return Count(events: seen.count) }
            after = last.id
            for row in rows where time.map({ row.entry.commitTime ?? .max >= $0 }) ?? true {
                let ids = JournalSearch.events(of: row).map(\.replayID)
                let start = id.flatMap { ids.lastIndex(of: $0) }.map { $0 + 1 } ?? 0
                seen.formUnion(ids[start...])
            }
        }
    }

    private struct Count {
        var events = 0
        /// Otherwise they are so many at most.
        var isExact = true
    }

    // MARK: Effects

    private func nothing(_ move: inout CursorMove) {
        move.effect = .nothing
        move.statement = "Nothing is skipped or repeated."
    }

    private func repeats(_ count: Count, _ move: inout CursorMove) {
        guard count.events > 0 else { return nothing(&move) }
        move.effect = .repeats
        move.repeated = count.isExact ? count.events : nil
        let since = move.commitTime.map { " committed after \($0.text)" } ?? ""
        let events = (count.isExact ? "" : "Up to ") + (count.events == 1 ? "1 event" : "\(count.events) events")
        move.statement =
            "\(events)\(since) \(count.events == 1 ? "is" : "are") relayed again. Their deliveries have the same IDs as "
            + "before, so that receivers may ignore them; `sluice replay` gives them new ones. Nothing is skipped."
    }

    private func unknown(_ move: inout CursorMove) {
        move.effect = .unknown
        guard move.from != nil else {
            move.statement =
                "The topic has no cursor here; it starts after this event, if Salesforce still keeps it (72 hours)."
            return
        }
        move.statement =
            "The journal does not have this event, so it is not known on which side of the present position it lies: if "
            + "before it, everything since comes again; if behind it, the events in between are skipped and never relayed. "
            + "If Salesforce does not know it either, the topic's onInvalidReplay decides."
    }
}
