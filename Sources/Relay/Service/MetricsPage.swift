import Rules
import Salesforce
import Store

/// `/metrics`: everything that `status` knows, as numbers to be collected. Nothing is counted for it on the event path
/// that is not counted anyway.
package struct MetricsPage {
    /// Rules with series of their own, by ID in order; all further ones are counted together as `other`.
    static let maximumRules = 1_000
    static let otherRules = "other"
    static let states = ["starting"] + StreamStatus.State.allCases.map(\.rawValue)

    private let report: StatusReport
    private let meters: [String: DestinationMeter]
    private let labels: [String: [RuleLabel]]
    private var page = PrometheusText()

    private init(_ report: StatusReport, _ meters: [String: DestinationMeter], _ labels: [String: [RuleLabel]]) {
        self.report = report
        self.meters = meters
        self.labels = labels
    }

    /// - Parameters:
    ///   - meters: by destination.
    ///   - labels: by rule.
    package static func text(
        _ report: StatusReport, meters: [String: DestinationMeter], labels: [String: [RuleLabel]] = [:]
    ) -> String {
        var page = MetricsPage(report, meters, labels)
        page.addRelay()
        page.addTopics()
        page.addReplays()
        page.addReading()
        page.addDestinations()
        page.addDurations()
        page.addRules()
        return page.page.text
    }

    // MARK: Relay

    private mutating func addRelay() {
        page.metric("sluice_build_info", .gauge, "Which version runs.")
        page.sample("sluice_build_info", ["version": report.version ?? ""], 1)
        if let rules = report.rules {
            single("sluice_rules_generation", .gauge, "Grows with every rule set put in force.", rules.generation)
            single("sluice_rules_loaded_timestamp_seconds", .gauge, "When that was.", Int(rules.loadedAt / 1000))
            single("sluice_rules_reload_failures_total", .counter, "Edits that were refused.", rules.failures)
            single("sluice_rules_broken", .gauge, "1 while the files say something that cannot be used.",
                rules.broken == nil ? 0 : 1)
            single("sluice_rules", .gauge, "Rules in force.", rules.rules)
        }
        single("sluice_store_failing", .gauge, "1 while nothing can be committed.", report.storeFailure == nil ? 0 : 1)
        single("sluice_backed_up", .gauge, "1 while streams wait for room in the outbox.", report.isBackedUp ? 1 : 0)
        single("sluice_quarantined", .gauge, "Events in quarantine.", report.quarantined)
        if !report.deliveryUse.isEmpty {
            page.metric("sluice_org_delivery_used_ratio", .gauge, "Used share of the daily event delivery allocation.")
            for (org, ratio) in report.deliveryUse.sorted(by: { $0.key < $1.key }) {
                page.sample("sluice_org_delivery_used_ratio", ["org": org], ratio)
            }
        }
        if !report.signInRefused.isEmpty {
            page.metric("sluice_org_sign_in_refused", .gauge, "1 while signing in fails until somebody mends it.")
            for (org, isRefused) in report.signInRefused.sorted(by: { $0.key < $1.key }) {
                page.sample("sluice_org_sign_in_refused", ["org": org], isRefused ? 1 : 0)
            }
        }
        if let started = report.startedAt {
            single("process_start_time_seconds", .gauge, "When the relay started.", Int(started / 1000))
        }
        if let memory = ProcessMemory.residentBytes {
            single("process_resident_memory_bytes", .gauge, "Resident memory.", memory)
        }
    }

    private mutating func single(_ name: String, _ kind: PrometheusText.Kind, _ help: String, _ value: Int) {
        page.metric(name, kind, help)
        page.sample(name, [:], value)
    }

    // MARK: Topics

    private mutating func addTopics() {
        topics("sluice_events_received_total", .counter, "Events received.") { Double($0.events) }
        topics("sluice_events_quarantined_total", .counter, "Events that could not be decoded.") {
            Double($0.quarantined)
        }
        topics("sluice_possible_gaps_total", .counter, "Times that events may have been missed.") {
            Double($0.possibleGaps)
        }
        topics("sluice_schema_changes_total", .counter, "Times that an object came with other fields than before.") {
            Double($0.schemaChanges)
        }
        topics("sluice_stream_reconnects_total", .counter, "Times that a stream came back after a break.") {
            Double($0.reconnects)
        }
        topics("sluice_stream_failures_total", .counter, "Times that a stream broke, or could not be opened.") {
            Double($0.failures)
        }
        let lag = "How old the last event was when it came; while the stream is down, since when events may be missing."
        topics("sluice_event_lag_seconds", .gauge, lag) {
            $0.lagMilliseconds.map { Double($0) / 1000 }
        }
        topics("sluice_replay_headroom_seconds", .gauge, "Until Salesforce removes the first event not here yet.") {
            $0.headroomSeconds.map(Double.init)
        }
        let now = report.at
        topics("sluice_keepalive_age_seconds", .gauge, "Since anything came, keepalives included.") {
            $0.lastReceivedAt.map { Double(max(0, now - $0)) / 1000 }
        }
        guard !report.topics.isEmpty else { return }
        page.metric("sluice_stream_state", .gauge, "1 for the state that each stream is in.")
        for topic in report.topics {
            for state in Self.states {
                page.sample(
                    "sluice_stream_state", ["org": topic.org, "topic": topic.topic, "state": state],
                    topic.state == state ? 1 : 0)
            }
        }
        page.metric("sluice_gap_events_total", .counter, "Gap events, which say only that records changed.")
        for topic in report.topics {
            for (kind, count) in topic.gaps.sorted(by: { $0.key < $1.key }) {
                page.sample("sluice_gap_events_total", ["org": topic.org, "topic": topic.topic, "kind": kind], count)
            }
        }
    }

    private mutating func addReplays() {
        guard report.isLive else { return }
        let replays = report.replays.count { $0.state == ReplayRecord.State.running.rawValue }
        let backfills = report.backfills.count { $0.state == BackfillRecord.State.running.rawValue }
        single("sluice_replays_running", .gauge, "Replays that run, or wait for others to end.", replays)
        single("sluice_backfills_running", .gauge, "Snapshots and re-reads that run, or wait.", backfills)
        single("sluice_replay_events_total", .counter, "Events that replays read.", report.replayedEvents)
    }

    private mutating func addReading() {
        guard !report.reading.isEmpty else { return }
        page.metric("sluice_gap_records_waiting", .gauge, "Records of gap events that wait to be read.")
        for reading in report.reading {
            page.sample(
                "sluice_gap_records_waiting",
                ["org": reading.org, "topic": reading.topic, "entity": reading.entity], Double(reading.records))
        }
    }

    private mutating func topics(
        _ name: String, _ kind: PrometheusText.Kind, _ help: String, _ value: (StatusReport.Topic) -> Double?
    ) {
        let samples = report.topics.compactMap { topic in value(topic).map { (topic, $0) } }
        guard !samples.isEmpty else { return }
        page.metric(name, kind, help)
        for (topic, value) in samples { page.sample(name, ["org": topic.org, "topic": topic.topic], value) }
    }

    // MARK: Destinations

    private mutating func addDestinations() {
        destinations("sluice_outbox_pending", "Deliveries that wait, in memory and in the store.") { Double($0.pending) }
        destinations("sluice_dead_letters", "Dead letters in the store.") { Double($0.deadLetters) }
        let now = report.at
        destinations("sluice_outbox_oldest_seconds", "Age of the first delivery that waits.") {
            $0.oldestCommitTime.map { Double(max(0, now - $0)) / 1000 }
        }
        destinations("sluice_deliveries_in_flight", "Attempts under way.") { ($0.live?.inFlight).map(Double.init) }
        destinations("sluice_delivery_concurrency", "Attempts at the same time, at most.") {
            ($0.live?.concurrency).map(Double.init)
        }
        destinations("sluice_lanes_blocked", "Lanes that wait for a retry or for somebody.") { destination in
            destination.live.map { Double($0.blockedLanes + $0.pausedLanes) }
        }
        destinations("sluice_breaker_state", "0 closed, 1 half-open, 2 open.") { destination in
            destination.live.map { $0.breaker == "closed" ? 0 : $0.breaker == "open" ? 2 : 1 }
        }
        destinations("sluice_destination_missing", "1 while deliveries wait that no rule file has a destination for.") {
            $0.state == "missing" ? 1 : 0
        }
        page.metric("sluice_deliveries_total", .counter, "Attempts by outcome.")
        for destination in report.destinations {
            for (outcome, count) in (destination.live?.attempts ?? [:]).sorted(by: { $0.key < $1.key }) {
                page.sample(
                    "sluice_deliveries_total", ["destination": destination.name, "outcome": outcome], count)
            }
        }
    }

    private mutating func destinations(
        _ name: String, _ help: String, _ value: (StatusReport.Destination) -> Double?
    ) {
        let samples = report.destinations.compactMap { destination in value(destination).map { (destination.name, $0) } }
        guard !samples.isEmpty else { return }
        page.metric(name, .gauge, help)
        for (destination, value) in samples { page.sample(name, ["destination": destination], value) }
    }

    private mutating func addDurations() {
        let name = "sluice_delivery_duration_seconds"
        guard !meters.isEmpty else { return }
        page.metric(name, .histogram, "How long attempts took.")
        for (destination, meter) in meters.sorted(by: { $0.key < $1.key }) {
            var sum = 0
            for (bound, count) in zip(DestinationMeter.bounds, meter.buckets) {
                sum += count
                page.sample(
                    name + "_bucket", ["destination": destination, "le": "\(Double(bound) / 1000)"], sum)
            }
            sum += meter.buckets.last ?? 0
            page.sample(name + "_bucket", ["destination": destination, "le": "+Inf"], sum)
            page.sample(name + "_sum", ["destination": destination], Double(meter.totalMilliseconds) / 1000)
            page.sample(name + "_count", ["destination": destination], sum)
        }
    }

    // MARK: Rules

    private mutating func addRules() {
        let rules = Self.bounded(report.ruleCounts)
        guard !rules.isEmpty else { return }
        // To be joined with the others, as Prometheus does it; rules without labels too, so that no join drops them.
        page.metric("sluice_rule_info", .gauge, "Labels of each rule, as its file has them.")
        for rule in rules where rule.id != Self.otherRules {
            let own = (labels[rule.id] ?? []).map { ($0.name, $0.value) }
            page.sample("sluice_rule_info", [("rule", rule.id)] + own, 1)
        }
        page.metric("sluice_events_matched_total", .counter, "Events of the streams that each rule matched.")
        for rule in rules {
            page.sample("sluice_events_matched_total", ["rule": rule.id], rule.outcomes["matched"] ?? 0)
        }
        page.metric("sluice_rule_outcomes_total", .counter, "Events by what each rule made of them.")
        for rule in rules {
            for (outcome, count) in rule.outcomes.sorted(by: { $0.key < $1.key }) {
                page.sample("sluice_rule_outcomes_total", ["rule": rule.id, "outcome": outcome], count)
            }
        }
        page.metric("sluice_rule_render_failures_total", .counter, "Deliveries whose request could not be built.")
        for rule in rules { page.sample("sluice_rule_render_failures_total", ["rule": rule.id], rule.failures) }
        page.metric(
            "sluice_replay_deliveries_total", .counter,
            "Deliveries of replays and backfills by rule, which no other count of rules includes.")
        for rule in rules { page.sample("sluice_replay_deliveries_total", ["rule": rule.id], rule.replayed) }
        page.metric(
            "sluice_event_age_seconds", .summary,
            "From commit in Salesforce to the receiver's yes, of the streams' events.")
        for rule in rules {
            page.sample("sluice_event_age_seconds_sum", ["rule": rule.id], Double(rule.ageMilliseconds) / 1000)
            page.sample("sluice_event_age_seconds_count", ["rule": rule.id], rule.delivered)
        }
    }

    static func bounded(_ rules: [StatusReport.Rule], limit: Int = maximumRules) -> [StatusReport.Rule] {
        guard rules.count > limit, var other = rules.last else { return rules }
        other.id = otherRules
        for rule in rules[limit..<(rules.count - 1)] {
            other.outcomes.merge(rule.outcomes, uniquingKeysWith: +)
            other.failures += rule.failures
            other.delivered += rule.delivered
            other.failedAttempts += rule.failedAttempts
            other.replayed += rule.replayed
            other.deadLetters += rule.deadLetters
            other.ageMilliseconds += rule.ageMilliseconds
        }
        return rules.prefix(limit) + [other]
    }
}
