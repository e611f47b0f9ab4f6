import Rules
import Store

extension StatusReport {
    /// Puts the live numbers over what the store says.
    mutating func add(_ live: LiveStatus, cursors: [Cursor], _ deadByRule: [String: Int], second: Int64) {
        isLive = true
        version = live.version
        startedAt = live.monitor.startedAt
        stopsBy = live.stopsBy
        rules = live.rules
        storeFailure = live.dispatch.storeFailure
        storeNextTry = live.dispatch.storeNextTry
        isBackedUp = live.dispatch.isBackedUp
        deliveryUse = live.monitor.deliveryUse
        replayedEvents = live.monitor.replayedEvents
        signInRefused = live.monitor.signInRefused
        addTopics(live, cursors)
        let meters = live.monitor.destinations
        for destination in live.dispatch.destinations {
            add(destination, meters[destination.name] ?? DestinationMeter(), second)
        }
        add(live.platforms)
        destinations.sort { $0.name < $1.name }
        ruleCounts = live.monitor.rules.snapshot.map { Rule($0, $1, deadLetters: deadByRule[$0] ?? 0) }
            .sorted { $0.id < $1.id }
    }

    private mutating func addTopics(_ live: LiveStatus, _ cursors: [Cursor]) {
        let numbers = live.monitor.streams
        for key in live.topics {
            let index = topics.firstIndex { $0.org == key.org && $0.topic == key.topic }
            var topic =
                index.map { topics[$0] }
                ?? Topic(
                    org: key.org, topic: key.topic, state: "starting", detail: "", since: live.monitor.startedAt,
                    reconnects: 0, events: 0, quarantined: 0, gaps: [:])
            if let numbers = numbers[key] {
                topic.add(numbers, now: at)
            } else if (topic.since) < live.monitor.startedAt {
                (topic.state, topic.detail, topic.since) = ("starting", "", live.monitor.startedAt)
            }
            if let index { topics[index] = topic } else { topics.append(topic) }
        }
        topics.sort { ($0.org, $0.topic) < ($1.org, $1.topic) }
    }

    private mutating func add(_ live: DispatchStatus.Destination, _ meter: DestinationMeter, _ second: Int64) {
        let index = destinations.firstIndex { $0.name == live.name }
        var destination =
            index.map { destinations[$0] }
            ?? Destination(name: live.name, pending: 0, deadLetters: 0, state: "ok", detail: "")
        destination.pending = live.pending
        if live.pending == 0 { destination.oldestCommitTime = nil }
        if let hold = live.hold {
            destination.state = hold.nextTry == nil ? "probing" : "held"
            destination.detail = hold.target.map { "\($0): \(hold.reason)" } ?? hold.reason
            destination.since = hold.since
            destination.nextTry = hold.nextTry
        } else if let retrying = live.retrying {
            destination.state = "retrying"
            destination.detail = retrying.words
            destination.since = retrying.since
            destination.nextTry = retrying.nextTry
        } else {
            destination.state = live.paused.lanes > 0 ? "paused" : "ok"
            (destination.detail, destination.since, destination.nextTry) = ("", nil, nil)
        }
        if live.paused.lanes > 0 {
            destination.detail += (destination.detail.isEmpty ? "" : "; ") + live.paused.words
        }
        destination.live = Destination.Live(live, meter, second)
        if let index { destinations[index] = destination } else { destinations.append(destination) }
    }
}

extension StatusReport.Topic {
    fileprivate mutating func add(_ numbers: StreamNumbers, now: Int64) {
        if !numbers.state.isEmpty {
            state = numbers.state
            detail = numbers.detail
            since = numbers.since
            reconnects = numbers.reconnects
            failures = numbers.failures
            nextTry = numbers.nextTry
        }
        lastReceivedAt = numbers.lastReceivedAt ?? lastReceivedAt
        lagMilliseconds = numbers.lagMilliseconds(now: now) ?? (numbers.isDown ? lagMilliseconds : nil)
        headroomSeconds = numbers.headroomSeconds(now: now) ?? (numbers.standsBy ? nil : headroomSeconds)
        events = numbers.events
        quarantined = numbers.quarantined
        gaps = numbers.gaps
        possibleGaps = numbers.possibleGaps
        schemaChanges = numbers.schemaChanges
    }
}

extension StatusReport.Destination.Live {
    fileprivate init(_ live: DispatchStatus.Destination, _ meter: DestinationMeter, _ second: Int64) {
        self.init(
            breaker: live.breaker.state.rawValue, inFlight: live.inFlight, concurrency: live.concurrency.now,
            isAdaptive: live.concurrency.isAdaptive, blockedLanes: live.blockedLanes, pausedLanes: live.paused.lanes,
            retryingLanes: live.retrying?.lanes ?? 0,
            rateLimit: live.pace?.rate, pausedUntil: live.pace?.pausedUntil, rate: meter.rate(second: second),
            delivered: live.delivered,
            failedAttempts: live.failedAttempts, died: live.deadLetters, dropped: live.dropped,
            attempts: Dictionary(
                uniqueKeysWithValues: DestinationMeter.Outcome.allCases.map { ($0.word, meter.count($0)) }))
    }
}

extension StatusReport.Rule {
    fileprivate init(_ id: String, _ counts: RuleCounters.Counts, deadLetters: Int) {
        self.init(
            id: id,
            outcomes: Dictionary(
                uniqueKeysWithValues: RuleOutcome.Kind.allCases.map { ($0.rawValue, counts.count($0)) }),
            failures: counts.failures, delivered: counts.delivered, failedAttempts: counts.failedAttempts,
            replayed: counts.replayed, deadLetters: deadLetters, ageMilliseconds: counts.ageMilliseconds)
    }
}
