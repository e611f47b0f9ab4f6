import Events

/// How often one rule of one set came to what.
package struct RuleTally: Sendable, Equatable {
    package var matched = 0
    /// A condition was decided by something that the event does not tell.
    package var unknown = 0
    package var fault = 0
    package var needsMissing = 0
    package var gapSkipped = 0
    /// The rule would have something read first.
    package var needsReading = 0
    package var deliveries = 0
    package var shadows = 0
    /// Deliveries whose request could not be built.
    package var failures = 0

    package init() {}

    mutating func add(_ other: RuleTally) {
        matched += other.matched
        unknown += other.unknown
        fault += other.fault
        needsMissing += other.needsMissing
        gapSkipped += other.gapSkipped
        needsReading += other.needsReading
        deliveries += other.deliveries
        shadows += other.shadows
        failures += other.failures
    }
}

/// The differences between two rule sets over a number of events. Bounded by the number of rules and `maximumGroups`.
package struct RuleSetDiffReport: Sendable {
    /// Kinds of difference that are told apart; what comes after them is only counted.
    package static let maximumGroups = 200
    /// Of each group.
    package static let maximumSamples = 5

    package struct Tallies: Sendable, Equatable {
        package var before = RuleTally()
        package var after = RuleTally()
    }

    package enum Kind: String, Sendable, CaseIterable {
        case added, removed, changed
        /// The request cannot be built (any more).
        case failing
    }

    /// Deliveries of one rule to one destination that differ in the same way.
    package struct Group: Sendable {
        package var kind: Kind
        package var rule: String
        package var destination: String
        /// Of a rule in shadow mode: nothing was or will be sent.
        package var isShadow: Bool
        /// Of `changed`: the first place that differs; otherwise empty.
        package var path: String
        package internal(set) var count = 0
        package internal(set) var samples: [Sample] = []
    }

    package struct Sample: Sendable {
        package var deliveryID: String
        package var replayID: String
        package var entity: String
        package var change: String
        package var recordID: String
        /// Commit time, epoch milliseconds.
        package var time: Int64
        /// Of `changed`: what stood there and what stands there now. Of `failing`: why, in `new`.
        package var old = ""
        package var new = ""
    }

    package internal(set) var events = 0
    /// Events that could not be decoded, as the reader of the journal counted them.
    package var undecodable = 0
    /// Events for which a rule of either set would have something read first. What such a rule alone does or leaves is
    /// not counted as a difference.
    package internal(set) var needReading = 0
    /// Deliveries that are the same in both sets.
    package internal(set) var unchanged = 0
    package private(set) var counts: [Kind: Int] = [:]
    /// In the order in which they came up.
    package private(set) var groups: [Group] = []
    /// By rule ID.
    package private(set) var rules: [String: Tallies] = [:]
    package let newRules: [String]
    package let goneRules: [String]
    package let destinations: DestinationChanges
    package internal(set) var latency = LatencySample()

    init(before: RuleSet, after: RuleSet) {
        destinations = DestinationChanges(before: before.destinations, after: after.destinations)
        let (old, new) = (Set(before.ruleIDs), Set(after.ruleIDs))
        newRules = new.subtracting(old).sorted()
        goneRules = old.subtracting(new).sorted()
    }

    /// Whether the edit changes anything that is sent, or where it is sent.
    package var hasDifference: Bool { counts.values.contains { $0 > 0 } || !destinations.isEmpty }

    package func count(_ kind: Kind) -> Int { counts[kind] ?? 0 }

    // MARK: Filling

    mutating func count(_ tally: [String: RuleTally], _ side: WritableKeyPath<Tallies, RuleTally>) {
        for (rule, one) in tally { rules[rule, default: Tallies()][keyPath: side].add(one) }
    }

    mutating func note(_ kind: Kind, _ made: RoutedEvent.Made, _ event: Event, _ difference: DeliveryDifference? = nil)
    {
        counts[kind, default: 0] += 1
        let path = difference?.path ?? ""
        let index =
            groups.firstIndex {
                $0.kind == kind && $0.rule == made.rule && $0.destination == made.destination && $0.path == path
                    && $0.isShadow == made.isShadow
            } ?? groups.count
        if index == groups.count {
            guard groups.count < Self.maximumGroups else { return }
            groups.append(
                Group(kind: kind, rule: made.rule, destination: made.destination, isShadow: made.isShadow, path: path))
        }
        groups[index].count += 1
        guard groups[index].samples.count < Self.maximumSamples else { return }
        groups[index].samples.append(
            Sample(
                deliveryID: made.id, replayID: event.replayID.description, entity: event.entity, change: event.change,
                recordID: event.recordID, time: event.time, old: difference?.old ?? "", new: difference?.new ?? ""))
    }
}

/// Destinations that only one of two sets has, or that say something else.
package struct DestinationChanges: Sendable, Equatable {
    package var added: [String]
    package var removed: [String]
    package var changed: [String]

    init(before: [String: Destination], after: [String: Destination]) {
        added = after.keys.filter { before[$0] == nil }.sorted()
        removed = before.keys.filter { after[$0] == nil }.sorted()
        changed = after.keys.filter { before[$0] != nil && before[$0] != after[$0] }.sorted()
    }

    package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }
}
