import Events
import Logging

/// Between two streams of a topic: what the end of one asks for, and what the first response of the next one means.
extension Subscription {
    /// The first response proves that the new stream works.
    func recovered() async {
        isProven = true
        deploymentTries = 0
        backoff.firstResponse()
        if hasStreamed, outage != nil { reconnects += 1 }
        hasStreamed = true
        let statement = plan.statement(reconnected: outage != nil, now: time.wall()).map(resumedByServer)
        await show(.streaming, "")
        defer {
            outage = nil
            stoodBy = false
        }
        guard let statement else {
            log.info("subscribed")
            return
        }
        var text = statement.text
        if let outage {
            let seconds = (time.monotonic() - outage.began).formattedSeconds
            text = "reconnected after \(seconds) (\(outage.reason); attempt \(outage.attempts)): \(text)"
        }
        switch statement.kind {
        case .nothingLost: log.notice("\(text)")
        case .possibleGap: log.error("POSSIBLE GAP: \(text)")
        }
        await host.stated(statement, topic: settings.name)
    }

    /// A managed subscription goes on where Salesforce was told last that everything is safe: unless events were lost
    /// here all the same, which its `errorRecoveryReplay` then decides.
    private func resumedByServer(_ statement: ResumeStatement) -> ResumeStatement {
        guard let managed = settings.managed else { return statement }
        // Without a place of our own, or while another client had it, Salesforce's committed place is what counts.
        let isOurs = (plan.position != nil || plan.wasRefused) && !stoodBy
        guard statement.kind == .nothingLost || !isOurs else {
            return ResumeStatement(
                kind: statement.kind,
                text: "\(statement.text) (the managed subscription \(managed) goes on where it was committed last or, if "
                    + "those events are gone, as its errorRecoveryReplay says)", lostSince: statement.lostSince)
        }
        return ResumeStatement(
            kind: .nothingLost,
            text: "resumed where the managed subscription \(managed) was committed, which is never ahead of what is stored "
                + "here: nothing lost, some events may come again with the same delivery IDs")
    }

    /// - Returns: false when the topic stops.
    func recover(from failure: StreamFailure) async -> Bool {
        let failure = failure.about(topic: settings.name)
        failures += 1
        var minimum: Duration = .zero
        var isImmediate = false
        var advice = ""
        switch failure.reaction {
        case .stopTopic(let fix) where failure.mayBeProxys && hasStreamed:
            // What was served before is not given up for that.
            minimum = ErrorCode.limitWait
            advice = ". \(fix)"
        case .stopTopic(let fix): return await stop("\(failure)", fix: fix)
        case .replayInvalid:
            // Another start is chosen, so there is nothing to wait for; a second refusal in a row is not about the ID.
            isImmediate = plan.position != nil
            if let fix = plan.invalidated() { return await stop("\(failure)", fix: fix) }
            recent.removeAll()
        case .renewSession:
            // The first refusal is the normal end of a session's life; those that follow without a response are not.
            minimum = SignInThrottle.wait(after: outage?.refusals ?? 0)
        case .reconnect(let asked): minimum = asked
        case .narrow:
            window.narrow()
            minimum = .seconds(1)
        case .awaitAllocation: minimum = ErrorCode.allocationWait
        case .stopUnlessDeployed(let fix):
            deploymentTries += 1
            guard deploymentTries <= ErrorCode.deploymentTries else { return await stop("\(failure)", fix: fix) }
            minimum = ErrorCode.deploymentWait
            advice = ". \(fix)"
        }
        if failure.isStandBy { stoodBy = true }
        let now = time.monotonic()
        let isReminder = failure.needsPerson && outage.map { now - $0.toldAt >= OutageNews.reminder } ?? false
        let isNews = outage?.reason != failure.reason || isReminder
        let isTurn = outage.map { $0.isAboutSession != failure.isAboutSession } ?? true
        outage = Outage(continuing: outage, failure: failure, isTold: isNews, now: now)
        checkHeadroom()
        let wait = isImmediate ? .zero : backoff.next(minimum: minimum, using: &generator)
        // A sign-in that was refused waits for itself, beyond ours.
        let next = max(wait, await authenticator.waitLeft)
        if isNews {
            let what = isProven ? "stream ended" : "cannot subscribe"
            let level = news.level(of: failure.reason, isTurn: isTurn || isReminder, now: now)
            log.log(
                level: failure.isStandBy ? .notice : failure.needsPerson && level == .warning ? .error : level,
                "\(what): \(failure); connecting again in \(next.formattedSeconds)\(advice)")
        }
        await show(failure.isStandBy ? .standby : .reconnecting, failure.reason, next: next)
        guard (try? await time.sleep(wait)) != nil else { return false }
        return failure.reaction == .awaitAllocation ? await allocationFrees(failure.reason) : true
    }

    /// As far as the org tells its use, another connection before there is something left would be refused as well.
    private func allocationFrees(_ reason: String) async -> Bool {
        for _ in 0..<Self.allocationLooks {
            guard await isAllocationUsed() else { break }
            await show(.reconnecting, reason, next: ErrorCode.allocationWait)
            guard (try? await time.sleep(ErrorCode.allocationWait)) != nil else { return false }
        }
        return true
    }

    func stop(_ reason: String, fix: String) async -> Bool {
        isStopped = true
        log.error("stopped: \(reason). \(fix)")
        await show(.stopped, "\(reason). \(fix)")
        return false
    }

    func show(_ state: StreamStatus.State, _ detail: String, next wait: Duration? = nil) async {
        let status = StreamStatus(
            state: state, detail: detail, reconnects: reconnects, failures: failures,
            nextTry: wait.map { time.wall() + $0.milliseconds })
        await host.changed(status, topic: settings.name)
    }
}

/// A break between two working streams.
struct Outage {
    let began: Duration
    let attempts: Int
    let reason: String
    /// When the log last said it.
    let toldAt: Duration
    let isAboutSession: Bool
    let isStandBy: Bool
    /// How often Salesforce refused the session since the last response.
    let refusals: Int

    init(continuing earlier: Outage?, failure: StreamFailure, isTold: Bool, now: Duration) {
        began = earlier?.began ?? now
        attempts = (earlier?.attempts ?? 0) + 1
        reason = failure.reason
        toldAt = isTold ? now : earlier?.toldAt ?? now
        isAboutSession = failure.isAboutSession
        isStandBy = failure.isStandBy
        refusals = (earlier?.refusals ?? 0) + (failure.reaction == .renewSession ? 1 : 0)
    }
}

extension Duration {
    /// `0.5 s`, `75.0 s`
    package var formattedSeconds: String {
        let tenths = components.seconds * 10 + components.attoseconds / 100_000_000_000_000_000
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
