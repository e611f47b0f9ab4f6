import Events

/// What an attempt says about its destination, beyond its own delivery.
extension LaneQueue {
    /// - Returns: how the holds changed.
    func judge(
        _ outcome: AttemptOutcome, _ lane: Lane, _ group: TargetGroup, _ now: Moment, _ policy: RetryPolicy,
        _ random: inout Jitter
    ) -> [HoldChange] {
        var changes: [HoldChange] = []
        let note = outcome.note
        let probes = (lane.probesDestination, lane.probesTarget)
        switch outcome {
        case .hold(_, .destination, let asked):
            release(group, if: probes.1, &changes)
            if hold.hold(
                reason: note.reason, isAlarm: note.isAlarm, asked: asked.map(policy.bounded), isProbe: probes.0,
                now: now, policy: policy, random: &random)
            {
                changes.append(held(nil))
            }
        case .hold(_, .target, _) where !note.receiverWasAsked:
            if probes.0 { hold.probeAgain(now) }
            if group.hold.hold(
                .unreachable, reason: note.reason, asked: nil, isProbe: probes.1, now: now, policy: policy,
                random: &random)
            {
                changes.append(held(group))
            }
        case .nothing:
            if probes.0 { hold.probeAgain(now) }
            if group.hold.delivered(isProbe: probes.1) { changes.append(.released(target: group.key)) }
        case .hold(_, .target, let asked):
            answered(isProbe: probes.0, now, &random, &changes)
            if group.hold.hold(
                reason: note.reason, isAlarm: note.isAlarm, asked: asked.map(policy.bounded), isProbe: probes.1,
                now: now, policy: policy, random: &random)
            {
                changes.append(held(group))
            }
        case .delivered:
            count(isFailure: false, now)
            if hold.delivered(isProbe: probes.0) { released(now, &random, &changes) }
            if group.hold.delivered(isProbe: probes.1) { changes.append(.released(target: group.key)) }
        case .retry where outcome.isReceiverFailure:
            release(group, if: probes.1, &changes)
            failed(lane, note, now, policy, &random, &changes)
        case .park where note.status == nil, .retry where !note.receiverWasAsked:
            // Nobody was asked: another one is the probe.
            if probes.0 { hold.probeAgain(now) }
            if probes.1 { group.hold.probeAgain(now) }
        case .retry, .park:
            answered(isProbe: probes.0, now, &random, &changes)
            release(group, if: probes.1, &changes)
        }
        return changes
    }

    private func release(_ group: TargetGroup, if isProbe: Bool, _ changes: inout [HoldChange]) {
        if group.hold.answered(isProbe: isProbe) { changes.append(.released(target: group.key)) }
    }

    /// The receiver was not well.
    private func failed(
        _ lane: Lane, _ note: AttemptNote, _ now: Moment, _ policy: RetryPolicy, _ random: inout Jitter,
        _ changes: inout [HoldChange]
    ) {
        // A receiver that fails (500) at the same delivery again may do so because of the delivery.
        if note.isUnreachable || !lane.isFailing { count(isFailure: true, now) }
        guard lane.probesDestination || (hold.isFree && failures.isTooMuch) else { return }
        var reason = note.reason
        if !lane.probesDestination, failures.attempts > failures.failures {
            reason = "\(failures.failures) of the last \(failures.attempts) attempts failed; last: \(reason)"
        }
        failures.reset()
        if hold.hold(
            .unreachable, reason: reason, asked: nil, isProbe: lane.probesDestination, now: now, policy: policy,
            random: &random)
        {
            changes.append(held(nil))
        }
    }

    private func answered(isProbe: Bool, _ now: Moment, _ random: inout Jitter, _ changes: inout [HoldChange]) {
        count(isFailure: false, now)
        if hold.answered(isProbe: isProbe) { released(now, &random, &changes) }
    }

    private func count(isFailure: Bool, _ now: Moment) {
        failures.note(isFailure: isFailure, now: now.uptime, concurrency: concurrency)
    }

    private func held(_ group: TargetGroup?) -> HoldChange {
        let hold = group?.hold ?? self.hold
        let until = hold.until!
        timers.insert(Timer(due: until, target: group.map { .group($0) } ?? .destination))
        return .held(
            target: group?.key, reason: hold.reason, until: until, cause: hold.cause, isNews: hold.isNew,
            isAlarm: hold.isAlarm)
    }

    // MARK: After the trouble

    /// The hold is over, and one delivery should go first. If every lane still waits out its own back-off, the one that
    /// waits shortest need not.
    func wakeProbe(_ now: Moment) {
        guard !hold.isFree, hold.permits(at: now.uptime), runnable.isEmpty else { return }
        var next: (lane: Lane, until: Int64)?
        for lane in lanes.values where lane.waitsForReceiver {
            guard case .waiting(let until) = lane.state, until < next?.until ?? .max else { continue }
            next = (lane, until)
        }
        guard let lane = next?.lane else { return }
        lane.isHurried = true
        lane.entries.first?.due = now.uptime
        lane.state = .idle
        makeReady(lane, now)
    }

    private func released(_ now: Moment, _ random: inout Jitter, _ changes: inout [HoldChange]) {
        failures.reset()
        changes.append(.released(target: nil))
        hurry(now, &random) { $0.waitsForReceiver }
    }

    /// - Parameter evenAsked: also holds whose length a receiver, or a sink, gave.
    func probeNow(_ now: Moment, evenAsked: Bool = false) {
        hold.probeNow(now, evenAsked: evenAsked)
        for group in heldGroups {
            group.hold.probeNow(now, evenAsked: evenAsked)
            probe(group)
        }
    }

    /// Lets waiting lanes go on within a second, instead of each at the end of its own back-off.
    func hurry(_ now: Moment, _ random: inout Jitter, _ isMeant: (Lane) -> Bool) {
        for lane in lanes.values where isMeant(lane) {
            guard case .waiting(let until) = lane.state else { continue }
            let due = now.uptime + Int64.random(in: 0...limits.hurryMilliseconds, using: &random)
            guard due < until else { continue }
            lane.isHurried = true
            lane.waitsForReceiver = false
            lane.entries.first?.due = due
            wait(lane, until: due)
        }
    }
}
