/// What rules see: one decoded event about one record. A merged change event becomes several of these.
package struct Event: Sendable {
    package enum Kind: String, Sendable { case change, platform }

    /// `ProducerEvent.id`.
    package var id: String
    package var kind: Kind
    /// Object API name (`sfy24__ProductionOrder__c`) or event API name (`Order_Ready__e`).
    package var entity: String
    package var topic: String
    package var replayID: ReplayID
    package var schemaID: String
    /// Commit time of a change, publish time of a platform event; epoch milliseconds.
    package var time: Int64
    package var receivedAt: Int64
    /// Nil for platform events.
    package var header: ChangeEventHeader?
    /// The one record this is about; empty for platform events, overflows and wildcard IDs.
    package var recordID: String
    package var record: any RecordView
    package var org: Org
    /// The replay that brought it, so that its deliveries have IDs of their own; nil on the live stream.
    package var replay: String?
    package var replayed: Bool { replay != nil }
    package var fetched = false

    package init(
        id: String, kind: Kind, entity: String, topic: String, replayID: ReplayID, schemaID: String, time: Int64,
        receivedAt: Int64, header: ChangeEventHeader?, recordID: String, record: any RecordView, org: Org
    ) {
        self.id = id
        self.kind = kind
        self.entity = entity
        self.topic = topic
        self.replayID = replayID
        self.schemaID = schemaID
        self.time = time
        self.receivedAt = receivedAt
        self.header = header
        self.recordID = recordID
        self.record = record
        self.org = org
    }

    /// The `event.change` of rules: `create`, `update`, `delete`, `undelete`, `gap`, `overflow`; empty for
    /// platform events.
    ///
    /// A change without a nameable record (overflow, or a wildcard ID such as `001*`) counts as `overflow`.
    package var change: String {
        guard let header else { return "" }
        switch header.changeType {
        case .gapOverflow: return "overflow"
        case _ where recordID.isEmpty: return "overflow"
        // A snapshot tells a whole record, as a create does.
        case .create, .snapshot: return "create"
        case .update: return "update"
        case .delete: return "delete"
        case .undelete: return "undelete"
        case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete: return "gap"
        case .unknown(let symbol): return symbol.lowercased()
        }
    }
}

/// The org an event came from.
package struct Org: Sendable, Hashable {
    /// 18 characters, `00D…`.
    package var id: String
    /// The operator's name for it, from `sluice.yaml`.
    package var alias: String
    package var instanceURL: String
    package var isSandbox: Bool

    package init(id: String, alias: String, instanceURL: String, isSandbox: Bool) {
        self.id = id
        self.alias = alias
        self.instanceURL = instanceURL
        self.isSandbox = isSandbox
    }
}

/// What an event tells about its record. Fields are decoded only when somebody asks.
package protocol RecordView: Sendable {
    /// - Parameter path: a field, or a field and its component (`["BillingAddress", "City"]`).
    /// - Returns: nil when the event does not tell (absent); `.null` when it is known to be empty.
    func value(at path: [String]) -> Value?

    /// Everything that is known, in schema order.
    func known() -> Fields

    /// The schema this record is laid out by; nil if it can only be read by path.
    var shape: RecordShape? { get }

    /// The value of a slot of `shape`, as `value(at:)` gives it for that field.
    func value(slot: Int) -> Value?

    /// Calls `body` for those of the slots whose field is present, with the place in `slots`.
    func forEachPresent(_ slots: UnsafeBufferPointer<Int32>, _ body: (Int, FieldCell) -> Void)

    /// Calls `body` for each slot that a list of the header names.
    ///
    /// - Returns: false, without any call, if the list can only be read by name, in the header.
    func forEachSlot(in list: HeaderList, _ body: (Int) -> Void) -> Bool
}
