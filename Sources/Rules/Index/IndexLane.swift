import Events

/// Which events a partition of the index is for: a kind of change, or gap events whose record was read back.
package struct IndexLane: Sendable, Hashable {
    static let count = ChangeKind.allCases.count + 4

    let number: Int
    /// What counts as changed in events of this lane.
    let reading: FieldChanges.Reading

    private init(_ number: Int, _ reading: FieldChanges.Reading) {
        self.number = number
        self.reading = reading
    }

    /// Events as they arrive. A gap event is one for the rules that list gaps, and for those that take it, empty, as the
    /// change it stands for (`onGap: deliver`).
    init(_ kind: ChangeKind) {
        switch kind {
        case .update: self.init(kind.rawValue, .update)
        case .create, .undelete: self.init(kind.rawValue, .full)
        default: self.init(kind.rawValue, .nothing)
        }
    }

    /// Gap events after their record was read: for the rules with `onGap: fetch`.
    ///
    /// - Precondition: `gap` is one of the four gap kinds of one record.
    init(fetched gap: ChangeKind) {
        precondition(gap.underlying != nil, "only a gap event of one record is read back")
        let number = ChangeKind.allCases.count + gap.rawValue - ChangeKind.gapCreate.rawValue
        self.init(number, gap == .gapDelete ? .nothing : .full)
    }

    /// The lane of an event as it arrives; nil for a change type that no rule can name.
    package init?(_ event: Event) {
        switch event.changeType {
        case nil: self.init(.platform)
        case _ where event.recordID.isEmpty: self.init(.overflow)
        case .create: self.init(.create)
        case .snapshot where event.fetched: self.init(.create)
        case .snapshot: self.init(ChangeKind.update.rawValue, .full)
        case .update: self.init(.update)
        case .delete: self.init(.delete)
        case .undelete: self.init(.undelete)
        case .gapCreate: self.init(.gapCreate)
        case .gapUpdate: self.init(.gapUpdate)
        case .gapDelete: self.init(.gapDelete)
        case .gapUndelete: self.init(.gapUndelete)
        case .gapOverflow: self.init(.overflow)
        case .unknown: return nil
        }
    }
}

/// How a rule takes gap events that it does not list.
enum IndexGapRole: Sendable {
    /// As the change they stand for, empty.
    case deliver
    /// As the change they stand for, after the record was read.
    case fetch
    /// Not at all.
    case skip
}
