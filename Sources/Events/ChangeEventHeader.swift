/// `ChangeEventHeader` of a change event, its three bitmap lists decoded to field names.
public struct ChangeEventHeader: Sendable, Equatable {
    public var entityName: String
    /// All records of the (possibly merged) event.
    public var recordIds: [String]
    public var changeType: ChangeType
    public var changeOrigin: String
    public var transactionKey: String
    /// From 1, inside the transaction.
    public var sequenceNumber: Int64
    /// Epoch milliseconds.
    public var commitTimestamp: Int64
    public var commitNumber: Int64
    public var commitUser: String
    /// Names such as `Name` or `BillingAddress.City`, in schema order.
    public var nulledFields: [String]
    public var diffFields: [String]
    public var changedFields: [String]

    public init(
        entityName: String, recordIds: [String], changeType: ChangeType, changeOrigin: String, transactionKey: String,
        sequenceNumber: Int64, commitTimestamp: Int64, commitNumber: Int64, commitUser: String, nulledFields: [String],
        diffFields: [String], changedFields: [String]
    ) {
        self.entityName = entityName
        self.recordIds = recordIds
        self.changeType = changeType
        self.changeOrigin = changeOrigin
        self.transactionKey = transactionKey
        self.sequenceNumber = sequenceNumber
        self.commitTimestamp = commitTimestamp
        self.commitNumber = commitNumber
        self.commitUser = commitUser
        self.nulledFields = nulledFields
        self.diffFields = diffFields
        self.changedFields = changedFields
    }
}

/// The wire's `ChangeType`, open for symbols that are not known yet.
public enum ChangeType: Sendable, Hashable {
    case create, update, delete, undelete
    case gapCreate, gapUpdate, gapDelete, gapUndelete, gapOverflow
    case snapshot
    /// A symbol (or, without one, the number) that this version does not know.
    case unknown(String)

    private static let symbols: [(String, ChangeType)] = [
        ("CREATE", .create), ("UPDATE", .update), ("DELETE", .delete), ("UNDELETE", .undelete),
        ("GAP_CREATE", .gapCreate), ("GAP_UPDATE", .gapUpdate), ("GAP_DELETE", .gapDelete),
        ("GAP_UNDELETE", .gapUndelete), ("GAP_OVERFLOW", .gapOverflow), ("SNAPSHOT", .snapshot),
    ]

    public init(symbol: String) {
        self = Self.symbols.first { $0.0 == symbol }?.1 ?? .unknown(symbol)
    }

    /// As Salesforce writes it: `GAP_UPDATE`.
    public var symbol: String {
        if case .unknown(let text) = self { return text }
        return Self.symbols.first { $0.1 == self }!.0
    }

    public var isGap: Bool {
        switch self {
        case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .gapOverflow: true
        default: false
        }
    }
}
