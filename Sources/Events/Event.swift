/// What rules see: one decoded event about one record. A merged change event becomes several of these.
public struct Event: Sendable {
    public enum Kind: String, Sendable { case change, platform }

    /// `ProducerEvent.id`.
    public var id: String {
        @inlinable get { box.contents.id }
        set { change { $0.id = newValue } }
    }
    public var kind: Kind {
        @inlinable get { box.contents.kind }
        set { change { $0.kind = newValue } }
    }
    /// Object API name (`sfy24__ProductionOrder__c`) or event API name (`Order_Ready__e`).
    public var entity: String {
        @inlinable get { box.contents.entity }
        set { change { $0.entity = newValue } }
    }
    public var topic: String {
        @inlinable get { box.contents.topic }
        set { change { $0.topic = newValue } }
    }
    public var replayID: ReplayID {
        @inlinable get { box.contents.replayID }
        set { change { $0.replayID = newValue } }
    }
    public var schemaID: String {
        @inlinable get { box.contents.schemaID }
        set { change { $0.schemaID = newValue } }
    }
    /// Commit time of a change, publish time of a platform event; epoch milliseconds.
    public var time: Int64 {
        @inlinable get { box.contents.time }
        set { change { $0.time = newValue } }
    }
    public var receivedAt: Int64 {
        @inlinable get { box.contents.receivedAt }
        set { change { $0.receivedAt = newValue } }
    }
    /// Nil for platform events. Lent, not copied: it has many parts.
    public var header: ChangeEventHeader? {
        @inlinable _read { yield box.contents.header }
        set { change { $0.header = newValue } }
    }
    /// The one record this is about; empty for platform events, overflows and wildcard IDs.
    public var recordID: String {
        @inlinable get { box.contents.recordID }
        set { change { $0.recordID = newValue } }
    }
    public var record: any RecordView {
        @inlinable _read { yield box.contents.record }
        set { change { $0.record = newValue } }
    }
    public var org: Org {
        @inlinable get { box.contents.org }
        set { change { $0.org = newValue } }
    }
    /// The replay that brought it, so that its deliveries have IDs of their own; nil on the live stream.
    public var replay: String? {
        @inlinable get { box.contents.replay }
        set { change { $0.replay = newValue } }
    }
    public var replayed: Bool { replay != nil }
    /// Of the header, which is lent as a whole only to those who need more of it.
    public var changeType: ChangeType? { box.contents.header?.changeType }
    public var commitPlace: CommitPlace? { CommitPlace(box.contents.header) }
    public var fetched: Bool {
        @inlinable get { box.contents.fetched }
        set { change { $0.fetched = newValue } }
    }
    /// Of a record that was read back: which state of it, so that deliveries of another state have IDs of their own.
    public var version: String? {
        @inlinable get { box.contents.version }
        set { change { $0.version = newValue } }
    }

    public init(
        id: String, kind: Kind, entity: String, topic: String, replayID: ReplayID, schemaID: String, time: Int64,
        receivedAt: Int64, header: ChangeEventHeader?, recordID: String, record: any RecordView, org: Org
    ) {
        box = Box(
            Contents(
                id: id, kind: kind, entity: entity, topic: topic, replayID: replayID, schemaID: schemaID, time: time,
                receivedAt: receivedAt, header: header, recordID: recordID, record: record, org: org))
    }

    /// One word, since an event goes through many hands and nearly never changes. Read in place by whoever asks: a getter
    /// that is called hands out copies of everything around what is wanted.
    @usableFromInline var box: Box

    @usableFromInline final class Box: Sendable {
        @usableFromInline let contents: Contents

        init(_ contents: Contents) { self.contents = contents }
    }

    @usableFromInline struct Contents: Sendable {
        @usableFromInline var id: String
        @usableFromInline var kind: Kind
        @usableFromInline var entity: String
        @usableFromInline var topic: String
        @usableFromInline var replayID: ReplayID
        @usableFromInline var schemaID: String
        @usableFromInline var time: Int64
        @usableFromInline var receivedAt: Int64
        @usableFromInline var header: ChangeEventHeader?
        @usableFromInline var recordID: String
        @usableFromInline var record: any RecordView
        @usableFromInline var org: Org
        @usableFromInline var replay: String?
        @usableFromInline var fetched = false
        @usableFromInline var version: String?
    }

    private mutating func change(_ body: (inout Contents) -> Void) {
        var contents = box.contents
        body(&contents)
        box = Box(contents)
    }

    /// When Salesforce took it, for how far a stream is. Publishers of platform events fill in `CreatedDate` themselves; what
    /// Salesforce cannot have kept so long, or not have had yet, is a time of their own.
    public var streamTime: Int64 {
        guard kind == .platform, !(receivedAt - 73 * 3_600_000...receivedAt + 3_600_000).contains(time) else { return time }
        return receivedAt
    }

    /// The `event.change` of rules: `create`, `update`, `delete`, `undelete`, `gap`, `overflow`; empty for
    /// platform events.
    ///
    /// A change without a nameable record (overflow, or a wildcard ID such as `001*`) counts as `overflow`.
    public var change: String {
        guard let header else { return "" }
        switch header.changeType {
        case .gapOverflow: return "overflow"
        case _ where recordID.isEmpty: return "overflow"
        // A record that a backfill has read is new to its receivers; Salesforce's own kind is an update that tells all.
        case .snapshot: return fetched ? "create" : "update"
        case .create: return "create"
        case .update: return "update"
        case .delete: return "delete"
        case .undelete: return "undelete"
        case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete: return "gap"
        case .unknown(let symbol): return symbol.lowercased()
        }
    }
}

/// The org an event came from.
public struct Org: Sendable, Hashable {
    /// 18 characters, `00D…`.
    public var id: String
    /// The operator's name for it, from `sluice.yaml`.
    public var alias: String
    public var instanceURL: String
    public var isSandbox: Bool

    public init(id: String, alias: String, instanceURL: String, isSandbox: Bool) {
        self.id = id
        self.alias = alias
        self.instanceURL = instanceURL
        self.isSandbox = isSandbox
    }
}

/// What an event tells about its record. Fields are decoded only when somebody asks.
public protocol RecordView: Sendable {
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
