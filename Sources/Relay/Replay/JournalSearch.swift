import Events
import PubSub
import Store

/// A place in the journal: in front of an event.
struct JournalPlace: Equatable {
    var row: Int64
    /// Events of that row that lie before it.
    var offset = 0
}

/// Finds places in the journal of one topic.
struct JournalSearch: Sendable {
    let store: Store
    let key: Cursor.Key

    /// Where a replay starts.
    struct Start {
        /// In the journal, if it is there.
        var place: JournalPlace?
        /// When the journal's first row of this topic was received; nil if there is none.
        var journalBegins: Int64?
        /// For Salesforce; nil means the earliest event.
        var replayID: ReplayID?
        /// The journal has everything since: known, or to be judged by when it begins.
        var isExact = false
        var since: Int64?
        /// Why it is not in the journal.
        var missing = "the journal has nothing of it"

        func isComplete(now: Int64) -> Bool {
            guard !isExact, let journalBegins else { return isExact }
            return journalBegins <= since ?? (now - ReplayPlanner.retention)
        }
    }

    func start(_ start: ReplayRequest.Start, _ span: JournalSpan?) async throws(ControlError) -> Start {
        var found = Start(journalBegins: span?.firstReceivedAt)
        switch start {
        case .earliest: found.place = span.map { JournalPlace(row: $0.firstRow) }
        case .time(let time):
            found.since = time
            found.place = try await place(receivedSince: time - ReplayPlanner.clockSlack)
            found.missing = "nothing in the journal was received since then"
        case .replayID(let text):
            guard let id = ReplayID(base64: text) else {
                throw ControlError(.badInput, "'\(text)' is not a replay ID: base64, or hexadecimal digits.")
            }
            found = try await after(id, found)
        case .cursor(let name): found = try await after(name, found)
        }
        return found
    }

    private func place(receivedSince time: Int64) async throws(ControlError) -> JournalPlace? {
        let row = try await stored { () async throws(StoreError) in
            try await store.journalRow(of: key, receivedSince: time)
        }
        return row.map { JournalPlace(row: $0) }
    }

    private func after(_ id: ReplayID, _ start: Start) async throws(ControlError) -> Start {
        var start = start
        start.replayID = id
        start.missing = "the journal does not have the event \(id)"
        start.place = try await place(after: id)
        start.isExact = start.place != nil
        return start
    }

    private func after(_ name: String, _ start: Start) async throws(ControlError) -> Start {
        let saved = try await stored { () async throws(StoreError) in try await store.savedCursors(name) }
        guard !saved.isEmpty else {
            throw ControlError(
                .badInput, "no cursor was saved as '\(name)'. `sluice cursor list` shows those that were.")
        }
        guard let mine = saved.first(where: { $0.cursor.key == key }) else {
            var start = start
                start.missing = "the saved cursor '\(name)' says nothing of it"
            return start
        }
        let begins = try await stored { () async throws(StoreError) in try await store.journalFirstRow() }
        guard let row = mine.journalRow, let begins, begins <= row + 1 else {
            return try await after(mine.cursor.replayID, start)
        }
        var start = start
        start.replayID = mine.cursor.replayID
        start.place = JournalPlace(row: row + 1)
        start.isExact = true
        return start
    }

    /// Behind an event, by its ID, where it was new: between there and a repetition others came. Nil if the journal does
    /// not have it.
    func place(after id: ReplayID) async throws(ControlError) -> JournalPlace? {
        var before = Int64.max
        while let row = try await row(with: id, before: before) {
            let events = Self.events(of: row)
            if let index = events.lastIndex(where: { $0.replayID == id }), index >= row.firstNew(in: events) {
                return index + 1 < events.count
                    ? JournalPlace(row: row.id, offset: index + 1) : JournalPlace(row: row.id + 1)
            }
            before = row.id
        }
        return nil
    }

    static func events(of row: JournalRow) -> [ConsumerEvent] {
        (try? FetchResponse(decoding: row.entry.raw).events) ?? []
    }

    /// An event, with the row that it stands in.
    ///
    /// - Parameter time: when it was committed, if that is known.
    func find(
        _ id: ReplayID, committedAt time: Int64? = nil
    ) async throws(ControlError) -> (row: JournalRow, events: [ConsumerEvent], index: Int)? {
        guard let row = try await row(with: id, committedAt: time) else { return nil }
        let events = Self.events(of: row)
        guard let index = events.lastIndex(where: { $0.replayID == id }) else { return nil }
        return (row, events, index)
    }

    private func row(
        with id: ReplayID, before: Int64 = .max, committedAt time: Int64? = nil
    ) async throws(ControlError) -> JournalRow? {
        try await stored { () async throws(StoreError) -> JournalRow? in
            guard let row = try await store.journalRow(of: key, with: id, before: before, committedAt: time) else {
                return nil
            }
            return try await store.journal(of: key, after: row - 1, through: row, limit: 1).first
        }
    }
}
