import Events

/// What an event is to the index: one of the kinds that `match.change` can name, or a platform event.
enum ChangeKind: Int, Sendable, CaseIterable {
    case create, update, delete, undelete, gapCreate, gapUpdate, gapDelete, gapUndelete, overflow, platform
    /// A record as it is: not documented for subscribers. Rules that take updates take it, as one that tells all.
    case snapshot

    /// Nil for a change type that this version does not know: no rule can name it.
    init?(_ event: Event) {
        guard let type = event.changeType else {
            self = .platform
            return
        }
        if event.recordID.isEmpty {
            self = .overflow
            return
        }
        switch type {
        case .create: self = .create
        // Records that a backfill has read are new to its receivers.
        case .snapshot: self = event.fetched ? .create : .snapshot
        case .update: self = .update
        case .delete: self = .delete
        case .undelete: self = .undelete
        case .gapCreate: self = .gapCreate
        case .gapUpdate: self = .gapUpdate
        case .gapDelete: self = .gapDelete
        case .gapUndelete: self = .gapUndelete
        case .gapOverflow: self = .overflow
        case .unknown: return nil
        }
    }

    /// The `event.change` that rules see.
    var word: String {
        switch self {
        case .create: "create"
        case .update, .snapshot: "update"
        case .delete: "delete"
        case .undelete: "undelete"
        case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete: "gap"
        case .overflow: "overflow"
        case .platform: ""
        }
    }

    /// As `match.change` names this one kind.
    var name: String {
        switch self {
        case .gapCreate: "gap_create"
        case .gapUpdate: "gap_update"
        case .gapDelete: "gap_delete"
        case .gapUndelete: "gap_undelete"
        default: word
        }
    }

    /// The ordinary change that a gap event of one record stands for.
    var underlying: ChangeKind? {
        switch self {
        case .gapCreate: .create
        case .gapUpdate: .update
        case .gapDelete: .delete
        case .gapUndelete: .undelete
        default: nil
        }
    }

    /// What counts as changed in an event of this kind.
    var reading: FieldChanges.Reading {
        switch self {
        case .update: .update
        case .create, .undelete, .snapshot: .full
        case .delete, .gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .overflow, .platform: .nothing
        }
    }

    /// By a word of `match.change`.
    private var isNamed: Bool { self != .platform && self != .snapshot }

    static let gaps: Set<ChangeKind> = [.gapCreate, .gapUpdate, .gapDelete, .gapUndelete]

    /// A word of `match.change`.
    static func kinds(named word: String) -> Set<ChangeKind> {
        switch word {
        case "gap": gaps
        case "gap_create": [.gapCreate]
        case "gap_update": [.gapUpdate]
        case "gap_delete": [.gapDelete]
        case "gap_undelete": [.gapUndelete]
        default: Set(allCases.filter { $0.isNamed && $0.word == word && !gaps.contains($0) })
        }
    }
}
