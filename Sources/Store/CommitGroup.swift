import Events

/// What one transaction writes. All of it becomes durable together, or nothing does.
package struct CommitGroup: Sendable {
    package var journal: [JournalEntry] = []
    package var cursors: [Cursor.Key: Cursor] = [:]
    package var deadLetters: [DeadLetter] = []
    package var quarantine: [QuarantinedEvent] = []
    /// Events that wait for a read of their record, and those that wait no more.
    package var held: [HeldEvent] = []
    package var released: [HeldEvent.Key] = []
    /// Events of deliveries and dead letters that have no request.
    package var kept: [KeptEvent] = []
    package var statements: [LossStatement] = []
    /// Deliveries to add. One whose ID is there already is left as it is: the earlier one stands for both.
    package var added: [StoredDelivery] = []
    /// Deliveries whose progress changed.
    package var changed: [Progress] = []
    /// Deliveries that are done or dead.
    package var removed: [Int64] = []
    /// Nil takes the row away: the destination is well.
    package var destinationStates: [String: DestinationState?] = [:]

    package struct Progress: Sendable {
        package var seq: Int64
        package var progress: DeliveryProgress

        package init(seq: Int64, progress: DeliveryProgress) {
            self.seq = seq
            self.progress = progress
        }
    }

    package init() {}

    package var isEmpty: Bool {
        journal.isEmpty && cursors.isEmpty && deadLetters.isEmpty && quarantine.isEmpty && statements.isEmpty
            && held.isEmpty && released.isEmpty && kept.isEmpty && added.isEmpty && changed.isEmpty && removed.isEmpty
            && destinationStates.isEmpty
    }
}
