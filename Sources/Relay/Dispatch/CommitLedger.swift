import Store

/// What the next commit writes, and what the one under way is writing. No store, no clock. Belongs to the outbox's
/// actor, which asks it several things for each attempt: as a class it is not copied for that.
final class CommitLedger {
    private final class Pending {
        var group = CommitGroup()
        var added: [OutboxEntry] = []
        var changed: [OutboxEntry] = []
        /// Of `group.removed`.
        var removedBytes = 0
        /// Raw responses and dead letters, which stay whatever becomes of the deliveries.
        var keptBytes = 0
        /// While it is written: out of date, since an entry of it was resolved or changed.
        var isOutdated = false

        var isEmpty: Bool { group.isEmpty && added.isEmpty && changed.isEmpty }
    }

    struct Growth {
        var rows: Int
        var bytes: Int
        /// They waited, and now count no more: what the store held already waits in their place.
        var repeated: [OutboxEntry] = []
    }

    private var pending = Pending()
    private var writing: Pending?
    /// Entries that are neither resolved nor stored, and their bytes with the raw responses that wait.
    private(set) var unwritten = 0
    private(set) var unwrittenBytes = 0

    /// A commit is to come even if there is nothing to write.
    private(set) var isWanted = false

    var isDirty: Bool { !pending.isEmpty || isOutdated || isWanted }
    private var isOutdated: Bool { writing?.isOutdated == true }
    var isClean: Bool { pending.isEmpty && writing == nil }
    /// Nothing but positions waits.
    var isOnlyCursors: Bool {
        pending.added.isEmpty && pending.changed.isEmpty && pending.group.isOnlyCursors && !isOutdated && !isWanted
    }

    // MARK: Collecting

    func want() { isWanted = true }

    func accept(_ batch: RoutedBatch) {
        pending.group.cursors[batch.cursor.key] = batch.cursor.keepingCommitTime(
            of: pending.group.cursors[batch.cursor.key])
        pending.group.quarantine += batch.quarantined
        pending.group.held += batch.held
        pending.group.released += batch.released
        pending.group.kept += batch.kept
        if let journal = batch.journal {
            pending.group.journal.append(journal)
            keep(journal.raw.count)
        }
        for letter in batch.deadLetters { add(letter) }
        for event in batch.quarantined { keep(event.payload.count) }
        for event in batch.held { keep(event.payload.count) }
        for event in batch.kept { keep(event.source.payload.count) }
    }

    func accept(_ entry: OutboxEntry) {
        pending.added.append(entry)
        unwritten += 1
        unwrittenBytes += entry.cost
    }

    /// The entry is done: it need not be written, or its row goes.
    func resolve(_ entry: OutboxEntry, deadLetter: DeadLetter? = nil) {
        precondition(!entry.isResolved, "a delivery resolved twice")
        entry.isResolved = true
        if let deadLetter { add(deadLetter) }
        switch entry.storage {
        case .unwritten: forget(entry)
        // The commit under way writes it; the next one takes it away.
        case .writing: writing?.isOutdated = true
        case .stored: remove(entry)
        }
    }

    func changed(_ entry: OutboxEntry) {
        guard !entry.isDirty else { return }
        entry.isDirty = true
        switch entry.storage {
        case .unwritten: break
        case .writing: writing?.isOutdated = true
        case .stored: pending.changed.append(entry)
        }
    }

    func set(_ state: DestinationState?, of destination: String) {
        pending.group.destinationStates[destination] = .some(state)
    }

    private func add(_ letter: DeadLetter) {
        pending.group.deadLetters.append(letter)
        keep(letter.delivery.body.count + 700)
    }

    private func keep(_ bytes: Int) {
        pending.keptBytes += bytes
        unwrittenBytes += bytes
    }

    private func remove(_ entry: OutboxEntry) {
        guard !entry.isRepeated else { return }
        pending.group.removed.append(entry.seq)
        pending.removedBytes += entry.cost
    }

    private func forget(_ entry: OutboxEntry) {
        unwritten -= 1
        unwrittenBytes -= entry.cost
    }

    // MARK: Writing

    /// The group to write now. Followed by `committed` or `failed`.
    func take() -> CommitGroup {
        precondition(writing == nil, "two commits at once")
        let taken = pending
        pending = Pending()
        isWanted = false
        taken.added.removeAll { $0.isResolved }
        taken.changed.removeAll { $0.isResolved }
        taken.group.added = taken.added.map { entry in
            entry.storage = .writing
            entry.isDirty = false
            return StoredDelivery(seq: entry.seq, delivery: entry.delivery, progress: entry.progress)
        }
        taken.group.changed = taken.changed.map { entry in
            entry.isDirty = false
            return CommitGroup.Progress(seq: entry.seq, progress: entry.progress)
        }
        let group = taken.group
        taken.group.added = []
        taken.group.changed = []
        writing = taken
        return group
    }

    /// - Parameter repeated: what the store held already, see `Store.commit`.
    /// - Returns: by how much the outbox in the store grew.
    func committed(repeated: [Int64: Repetition] = [:]) -> Growth {
        guard let written = writing else { preconditionFailure("no commit under way") }
        writing = nil
        unwrittenBytes -= written.keptBytes
        for entry in written.added {
            entry.storage = .stored
            entry.isRepeated = repeated[entry.seq] != nil
            entry.isCovered = repeated[entry.seq] == .covered
            forget(entry)
            if entry.isResolved {
                remove(entry)
            } else if entry.isDirty {
                pending.changed.append(entry)
            }
        }
        return Growth(
            rows: written.added.count - repeated.count - written.group.removed.count,
            bytes: written.added.reduce(0) { $0 + ($1.isRepeated ? 0 : $1.cost) } - written.removedBytes,
            repeated: written.added.filter { $0.isRepeated && !$0.isResolved })
    }

    func failed() {
        guard let older = writing else { preconditionFailure("no commit under way") }
        writing = nil
        isWanted = true
        older.isOutdated = false
        for entry in older.added {
            entry.storage = .unwritten
            if entry.isResolved { forget(entry) }
        }
        older.added.removeAll { $0.isResolved }
        older.changed.removeAll { $0.isResolved || $0.isDirty }
        for entry in older.changed { entry.isDirty = true }
        older.added += pending.added
        older.changed += pending.changed
        older.keptBytes += pending.keptBytes
        older.removedBytes += pending.removedBytes
        older.group.append(pending.group)
        pending = older
    }
}

extension CommitGroup {
    fileprivate var isOnlyCursors: Bool {
        journal.isEmpty && deadLetters.isEmpty && quarantine.isEmpty && held.isEmpty && released.isEmpty
            && statements.isEmpty && added.isEmpty && changed.isEmpty && removed.isEmpty && destinationStates.isEmpty
    }

    fileprivate mutating func append(_ later: CommitGroup) {
        journal += later.journal
        deadLetters += later.deadLetters
        quarantine += later.quarantine
        held += later.held
        released += later.released
        kept += later.kept
        statements += later.statements
        removed += later.removed
        for (key, cursor) in later.cursors { cursors[key] = cursor.keepingCommitTime(of: cursors[key]) }
        destinationStates.merge(later.destinationStates) { $1 }
    }
}

extension Cursor {
    /// A keepalive moves the position, but not the time of the last event.
    fileprivate func keepingCommitTime(of earlier: Cursor?) -> Cursor {
        var cursor = self
        cursor.commitTime = commitTime ?? earlier?.commitTime
        return cursor
    }
}
