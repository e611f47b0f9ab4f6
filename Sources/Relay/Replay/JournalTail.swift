import Events
import PubSub
import Store

/// Reads the newest part of the journal and decodes it, with the schemas that the store has: what a look back needs,
/// with or without a relay beside it.
package struct JournalTail: Sendable {
    static let rowsPerRead = 50

    package struct Progress: Sendable {
        /// Of the journal; a merged one becomes several.
        package var events = 0
        package var undecodable = 0
        /// When the first and the last of them were received, epoch milliseconds.
        package var firstReceivedAt: Int64?
        package var lastReceivedAt: Int64?
    }

    private let store: Store
    private let orgs: ReplayOrgs
    private let time: TimeSource

    package init(store: Store, time: TimeSource = .system) {
        self.store = store
        orgs = ReplayOrgs(store: store)
        self.time = time
    }

    /// Topic by topic, each in the order of its stream.
    ///
    /// - Parameters:
    ///   - since: received at this time or later, epoch milliseconds; nil is everything.
    ///   - limit: only the newest so many events.
    ///   - take: gets one event for each record of a merged change, and is told how far the reading is.
    package func read(
        since: Int64?, limit: Int, _ take: (_ events: [Event], Progress) -> Void
    ) async throws(ControlError) -> Progress {
        let keys = try await stored { () async throws(StoreError) in try await store.journalTopics() }
        let start = try await start(keys, limit: limit)
        var progress = Progress()
        for key in keys {
            var after = start.row
            if let since {
                let first = try await stored { () async throws(StoreError) in
                    try await store.journalRow(of: key, receivedSince: since)
                }
                guard let first else { continue }
                after = max(after, first - 1)
            }
            try await read(key, after: after, start, &progress, take)
        }
        return progress
    }

    private func read(
        _ key: Cursor.Key, after: Int64, _ start: Start, _ progress: inout Progress,
        _ take: (_ events: [Event], Progress) -> Void
    ) async throws(ControlError) {
        let known = try await stored { () async throws(StoreError) in try await orgs.entry(key.org) }
        guard let entry = known else { return }
        let reader = EventReader(entry, time: time)
        var seen = RecentEvents()
        var last = after
        while true {
            let from = last
            let rows = try await stored { () async throws(StoreError) in
                try await store.journal(of: key, after: from, limit: Self.rowsPerRead)
            }
            guard let end = rows.last else { return }
            last = end.id
            for row in rows {
                let skipped = row.id == start.row + 1 ? start.skipped : 0
                for event in JournalSearch.events(of: row).dropFirst(skipped) where seen.insert(event.replayID) {
                    progress.events += 1
                    progress.firstReceivedAt = min(progress.firstReceivedAt ?? .max, row.entry.receivedAt)
                    progress.lastReceivedAt = max(progress.lastReceivedAt ?? .min, row.entry.receivedAt)
                    take(try await decode(event, row, key, reader, &progress), progress)
                }
            }
        }
    }

    private func decode(
        _ event: ConsumerEvent, _ row: JournalRow, _ key: Cursor.Key, _ reader: EventReader, _ progress: inout Progress
    ) async throws(ControlError) -> [Event] {
        do {
            let events = try await reader.decode(event, topic: key.topic, receivedAt: row.entry.receivedAt)
            if case .success(let events) = events { return events }
            progress.undecodable += 1
            return []
        } catch {
            throw ControlError(.failed, "reading the journal was broken off.")
        }
    }

    // MARK: The newest

    private struct Start {
        /// Rows after this one.
        var row: Int64 = 0
        /// Events of the first of them that are left out.
        var skipped = 0
    }

    /// The last row behind which there are still `limit` events; rows are numbered across all topics.
    private func start(_ keys: [Cursor.Key], limit: Int) async throws(ControlError) -> Start {
        let all = try await spans(keys, after: 0)
        guard all.events > limit else { return Start() }
        var (low, high) = (Int64(0), all.lastRow)
        var surplus = all.events - limit
        while high - low > 1 {
            let middle = low + (high - low) / 2
            let events = try await spans(keys, after: middle).events
            if events >= limit {
                low = middle
                surplus = events - limit
            } else {
                high = middle
            }
        }
        return Start(row: low, skipped: surplus)
    }

    private func spans(_ keys: [Cursor.Key], after row: Int64) async throws(ControlError) -> (
        events: Int, lastRow: Int64
    ) {
        var (events, lastRow) = (0, row)
        for key in keys {
            let span = try await stored { () async throws(StoreError) in
                try await store.journalSpan(of: key, after: row)
            }
            events += span?.events ?? 0
            lastRow = max(lastRow, span?.lastRow ?? 0)
        }
        return (events, lastRow)
    }
}
