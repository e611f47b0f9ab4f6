import Events
import Rules
import Store
import Synchronization

/// Counts what passes, remembers the last of it, and shows it to those who watch: the live half of `status`, `/metrics`,
/// `tap` and `event show`. Called on the event path: nothing here waits for anybody.
package final class RelayMonitor: RelayObserver {
    package let rules = RuleCounters()
    package let recent = RecentDeliveries()
    package let taps = TapHub()
    package let time: TimeSource
    /// Epoch milliseconds.
    package let startedAt: Int64
    private let streamTable = Mutex<[Cursor.Key: StreamNumbers]>([:])
    /// Of references, so that a meter is changed in place and the table only looked at.
    private final class Meter {
        var meter = DestinationMeter()
    }
    private let meterTable = Mutex<[String: Meter]>([:])
    private let usedRatios = Mutex<[String: Double]>([:])
    private let replayed = Atomic<Int>(0)
    private let refusedOrgs = Mutex<[String: Bool]>([:])
    private let next: (any RelayObserver)?
    private let sent: SentRecorder?

    /// - Parameters:
    ///   - next: somebody else who watches.
    ///   - sent: keeps what was acknowledged, where that is asked for.
    package init(time: TimeSource = .system, next: (any RelayObserver)? = nil, sent: SentRecorder? = nil) {
        self.time = time
        self.next = next
        self.sent = sent
        startedAt = time.wall()
    }

    package var streams: [Cursor.Key: StreamNumbers] { streamTable.withLock { $0 } }
    package var destinations: [String: DestinationMeter] { meterTable.withLock { $0.mapValues(\.meter) } }
    /// How much of its daily event delivery allocation an org has used, 0…1, where it is known.
    package var deliveryUse: [String: Double] { usedRatios.withLock { $0 } }

    /// Events that replays read.
    package var replayedEvents: Int { replayed.load(ordering: .relaxed) }

    package func replayed(_ events: Int) { replayed.add(events, ordering: .relaxed) }

    /// By org that has been answered: whether Salesforce refused the last sign-in.
    package var signInRefused: [String: Bool] { refusedOrgs.withLock { $0 } }

    package func signedIn(org: String, isRefused: Bool) { refusedOrgs.withLock { $0[org] = isRefused } }

    package func deliveryUsed(_ ratio: Double, org: String) { usedRatios.withLock { $0[org] = ratio } }

    /// Another rule set is in force: what is counted by names that are gone is forgotten.
    package func changed(to ruleSet: RuleSet) {
        rules.retain(ruleSet.ruleIDs)
        meterTable.withLock { meters in
            var retained: [String: Meter] = [:]
            for name in ruleSet.destinations.keys { retained[name] = meters[name] ?? Meter() }
            meters = retained
        }
    }

    package func stream(_ key: Cursor.Key, _ change: (inout StreamNumbers) -> Void) {
        streamTable.withLock { change(&$0[key, default: StreamNumbers()]) }
    }

    package func routed(_ event: Event, _ result: RoutingResult) {
        rules.routed(result)
        // One that was read back was counted when it came.
        if let type = event.changeType, type.isGap, !event.fetched {
            stream(Cursor.Key(org: event.org.alias, topic: event.topic)) { $0.gaps[type.symbol, default: 0] += 1 }
        }
        taps.routed(event, result)
        next?.routed(event, result)
    }

    package func attempted(
        _ delivery: Delivery, number: Int, outcome: AttemptOutcome, milliseconds: Int64, at now: Moment
    ) {
        let short = outcome.short
        count(delivery, short, milliseconds, second: now.uptime / 1_000)
        count(delivery, short, now: now.wall)
        let attempt = RecentDeliveries.Attempt(
            id: delivery.id, rule: delivery.rule, destination: delivery.destination, topic: delivery.origin.topic,
            replayID: delivery.origin.replayID, number: number, at: now.wall, milliseconds: milliseconds, outcome: short,
            status: outcome.note.status, reason: outcome.note.reason)
        recent.add(attempt)
        sent?.attempted(delivery, number: number, outcome: outcome, milliseconds: milliseconds, at: now)
        taps.attempted(delivery, attempt)
        next?.attempted(delivery, number: number, outcome: outcome, milliseconds: milliseconds, at: now)
    }

    /// What no stream brought is kept apart: it was never counted as matched, and how old it is says nothing.
    private func count(_ delivery: Delivery, _ outcome: DestinationMeter.Outcome, now: Int64) {
        let isLive = ReplayedDelivery.replay(ofDelivery: delivery.id) == nil && !SnapshotEvents.brought(delivery.origin)
        switch (outcome, isLive) {
        case (.delivered, true): rules.delivered(delivery.rule, ageMilliseconds: now - delivery.origin.time)
        case (_, true): rules.failed(delivery.rule)
        case (.delivered, false): rules.replayed(delivery.rule)
        case (_, false): break
        }
    }

    private func count(
        _ delivery: Delivery, _ outcome: DestinationMeter.Outcome, _ milliseconds: Int64, second: Int64
    ) {
        meterTable.withLock { meters in
            meters[delivery.destination]?.meter.attempted(
                outcome, milliseconds: delivery.isGathered ? nil : milliseconds, second: second)
        }
    }
}

extension AttemptOutcome {
    var short: DestinationMeter.Outcome {
        switch self {
        case .delivered: .delivered
        case .retry: .retry
        case .hold: .held
        case .park: .parked
        case .nothing: .nothing
        }
    }
}
