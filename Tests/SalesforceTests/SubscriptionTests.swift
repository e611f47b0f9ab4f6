import Events
import Logging
import PubSub
import Testing
import TestSupport

@testable import Salesforce

@Suite(.timeLimit(.minutes(15))) struct SubscriptionTests {
    @Test func `a stored replay ID is resumed after, and credit is topped up on the way`() async throws {
        let calls = ScriptedPubSub([[.batch(events(2...61), pending: 40), .batch(events(62...80), pending: 21)]])
        let host = RecordingHost()
        await run(calls, host, position: Position(replayID: id(1), time: 1_700_000_000_000)) {
            await host.batches.count == 2
        }
        let requests = calls.requests[0]
        #expect(
            requests.first
                == FetchRequest(
                    topicName: "/data/ChangeEvents", replayPreset: .custom, replayID: id(1), numRequested: 100))
        #expect(requests.dropFirst() == [FetchRequest(numRequested: 60)])
        #expect(await host.replayIDs == (2...80).map(id))
        #expect(await host.statements.map(\.kind) == [.nothingLost])
    }

    @Test func `after a break it resumes after the last event and repeats none`() async throws {
        let lost = StreamFailure(reaction: .reconnect(minimum: .zero), reason: "UNAVAILABLE")
        let calls = ScriptedPubSub([
            [.batch(events(1...3), pending: 97), .fail(lost)], [.fail(lost)],
            [.batch(events(3...5), pending: 97)],
        ])
        let host = RecordingHost()
        await run(calls, host, position: nil) { await host.replayIDs.count == 5 }
        #expect(await host.replayIDs == (1...5).map(id))
        #expect(calls.requests[1].first?.replayID == id(3))
        #expect(calls.requests[2].first?.replayID == id(3))
        #expect(await host.statements.last?.kind == .nothingLost)
        #expect(await host.statuses.map(\.reconnects).max() == 1, "the try that failed was no reconnect")
    }

    @Test func `a first connection that takes several tries is no reconnect`() async throws {
        let lost = StreamFailure(reaction: .reconnect(minimum: .zero), reason: "UNAVAILABLE")
        let calls = ScriptedPubSub([[.refuse(lost)], [.fail(lost)], [.batch(events(1...1), pending: 99)]])
        let host = RecordingHost()
        await run(calls, host, position: nil) { await host.replayIDs.count == 1 }
        #expect(await host.statuses.map(\.reconnects).max() == 0)
        #expect(await host.statuses.map(\.failures).max() == 2)
    }

    @Test func `responses that came before the end of a stream are handled although it takes no more requests`() async {
        let lost = StreamFailure(reaction: .reconnect(minimum: .zero), reason: "UNAVAILABLE")
        let calls = ScriptedPubSub([
            [.batch(events(1...60), pending: 40), .batch(events(61...100), pending: 0), .fail(lost)], [.silence],
        ])
        let host = RecordingHost()
        await run(calls, host, position: nil) { calls.requests.count == 2 }
        #expect(await host.replayIDs == (1...100).map(id))
        #expect(calls.requests[1].first?.replayID == id(100))
    }

    @Test func `what has streamed is not given up for a status that a proxy gives as well`() async throws {
        var bare = StreamFailure(reaction: .stopTopic(fix: "Check the endpoint."), reason: "UNIMPLEMENTED")
        bare.mayBeProxys = true
        let calls = ScriptedPubSub([
            [.batch(events(1...1), pending: 99), .fail(bare)], [.refuse(bare)], [.batch(events(2...2), pending: 99)],
        ])
        let host = RecordingHost()
        await run(calls, host, position: nil) { await host.replayIDs.count == 2 }
        // Of one that never has, only a person can tell.
        let never = RecordingHost()
        await subscription(ScriptedPubSub([[.refuse(bare)]]), never, position: nil).run()
        #expect(await never.statuses.last?.state == .stopped)
    }

    @Test func `a stream on which nothing comes is given up with its connection`() async throws {
        let calls = ScriptedPubSub([[.silence], [.batch(events(1...1), pending: 99)]])
        let host = RecordingHost()
        await run(calls, host, position: nil) { await host.replayIDs.count == 1 }
        #expect(calls.abandoned == 1)
    }

    @Test func `a keepalive moves the position`() async throws {
        let lost = StreamFailure(reaction: .reconnect(minimum: .zero), reason: "UNAVAILABLE")
        let calls = ScriptedPubSub([[.keepalive(id(9)), .fail(lost)], [.batch(events(10...10), pending: 99)]])
        let host = RecordingHost()
        await run(calls, host, position: nil) { await host.replayIDs.count == 1 }
        #expect(calls.requests[1].first?.replayID == id(9))
    }

    @Test(arguments: [
        (TopicSettings.InvalidReplayPolicy.earliest, ReplayPreset.earliest),
        (TopicSettings.InvalidReplayPolicy.latest, ReplayPreset.latest),
    ])
    func `an invalid replay ID is never tried again, and what may be missing is said`(
        policy: TopicSettings.InvalidReplayPolicy, preset: ReplayPreset
    ) async throws {
        let corrupted = StreamFailure(reaction: .replayInvalid, reason: "subscription.fetch.replayid.corrupted")
        let calls = ScriptedPubSub([[.fail(corrupted)], [.batch(events(50...51), pending: 98)]])
        let host = RecordingHost()
        await run(calls, host, policy: policy, position: Position(replayID: id(1), time: 1_000)) {
            await host.replayIDs.count == 2
        }
        #expect(calls.requests.count == 2)
        #expect(calls.requests[1].first?.replayPreset == preset)
        let statement = try #require(await host.statements.first)
        #expect(statement.kind == .possibleGap)
        #expect(statement.text.contains("1970-01-01T00:00:01Z"))
    }

    @Test func `with the policy 'stop' an invalid replay ID stops the topic`() async throws {
        let corrupted = StreamFailure(reaction: .replayInvalid, reason: "subscription.fetch.replayid.corrupted")
        let calls = ScriptedPubSub([[.fail(corrupted)]])
        let host = RecordingHost()
        await subscription(calls, host, policy: .stop, position: Position(replayID: id(1), time: 0)).run()
        #expect(await host.statuses.last?.state == .stopped)
        #expect(calls.requests.count == 1)
    }

    @Test func `a refused session is renewed once`() async throws {
        let refused = StreamFailure(reaction: .renewSession, reason: "service.auth.error")
        let calls = ScriptedPubSub([[.fail(refused)], [.batch(events(1...1), pending: 99)]])
        let host = RecordingHost()
        await run(calls, host, position: nil) { await host.replayIDs.count == 1 }
        #expect(calls.sessions == [session(1), session(2)])
    }

    @Test func `a session that is refused before the stream opens is renewed as well`() async throws {
        let refused = StreamFailure(reaction: .renewSession, reason: "service.auth.error")
        let calls = ScriptedPubSub([[.refuse(refused)], [.batch(events(1...1), pending: 99)]])
        let host = RecordingHost()
        await run(calls, host, position: nil) { await host.replayIDs.count == 1 }
        #expect(calls.sessions == [session(1), session(2)])
    }

    @Test func `what only a person can mend stops this topic`() async throws {
        let missing = StreamFailure(reaction: .stopTopic(fix: "Check it."), reason: "topic.not.found")
        let host = RecordingHost()
        await subscription(ScriptedPubSub([[.fail(missing)]]), host, position: nil).run()
        let last = try #require(await host.statuses.last)
        #expect(last.state == .stopped)
        #expect(last.detail.hasPrefix("there is no topic /data/ChangeEvents: topic.not.found. Check the spelling"))
    }

    @Test func `silence ends the stream and the next one resumes`() async throws {
        let calls = ScriptedPubSub([[.batch(events(1...1), pending: 99), .silence], [.batch(events(2...2), pending: 99)]])
        let host = RecordingHost()
        await run(calls, host, position: nil) { await host.replayIDs.count == 2 }
        #expect(calls.requests[1].first?.replayID == id(1))
        #expect(await host.statuses.contains { $0.detail.contains("not even a keepalive") })
        #expect(calls.requests.count == 2)
    }

    @Test func `without room the stream is parked and resumed, with nothing handed over twice`() async throws {
        let calls = ScriptedPubSub([
            [.batch(events(1...2), pending: 0), .batch(events(3...4), pending: 0)], [.batch(events(3...4), pending: 98)],
        ])
        let host = RecordingHost(blocks: true)
        await run(calls, host, position: nil) { await host.replayIDs.count == 4 }
        #expect(await host.replayIDs == (1...4).map(id))
        #expect(calls.requests[1].first?.replayID == id(2))
        #expect(await host.statuses.contains { $0.state == .reconnecting && $0.detail == "parked for lack of room" })
    }

    @Test func `while there is no room nothing is asked for, and it is once there is`() async throws {
        let calls = ScriptedPubSub([[.batch(events(1...60), pending: 40), .silence]])
        let host = RecordingHost(blocks: true)
        host.room.withLock { $0 = false }
        let time = ManualTime()
        let task = Task { await subscription(calls, host, position: nil, time: time).run() }
        while await host.batches.count < 1 { await Task.yield() }
        for _ in 0..<100 { await Task.yield() }
        #expect(calls.requests[0].count == 1)
        await host.unblock()
        while calls.requests[0].count < 2 { await Task.yield() }
        #expect(calls.requests[0].last == FetchRequest(numRequested: 60))
        task.cancel()
        await task.value
    }

    @Test func `a topic that falls behind says so before Salesforce drops its events`() async throws {
        let lost = StreamFailure(reaction: .reconnect(minimum: .zero), reason: "UNAVAILABLE")
        let lines = await linesOfThreeDays(of: lost)
        #expect(lines.map(\.level) == [.warning, .critical], "\(lines)")
        #expect(lines.first?.text.contains("in 23 h Salesforce begins to drop events") == true, "\(lines)")
    }

    @Test func `what another client relays is not about to be lost`() async throws {
        var waits = StreamFailure(reaction: .reconnect(minimum: .zero), reason: "stand-by")
        waits.isStandBy = true
        #expect(await linesOfThreeDays(of: waits).isEmpty)
    }

    private func linesOfThreeDays(of failure: StreamFailure) async -> [AlarmLines.Line] {
        let calls = ScriptedPubSub([[ScriptedPubSub.Step]](repeating: [.fail(failure)], count: 20_000))
        let lines = AlarmLines()
        let time = ManualTime(autoAdvance: true)
        let start = Position(replayID: id(1), time: time.source.wall())
        let counter = Counter()
        let task = Task {
            await Subscription(
                settings: TopicSettings(name: "/data/ChangeEvents"), position: start, calls: calls,
                authenticator: Authenticator { () async throws(SignInError) in session(counter.next()) },
                host: RecordingHost(), time: time.source, log: lines.logger, executors: QueueExecutor().both
            ).run()
        }
        while time.monotonic < .seconds(71 * 3_600), calls.requests.count < 20_000 { await Task.yield() }
        task.cancel()
        await task.value
        return lines.all
    }

    @Test func `what ends the stream after a parked one is not taken for parking`() async throws {
        let corrupted = StreamFailure(reaction: .replayInvalid, reason: "subscription.fetch.replayid.corrupted")
        let calls = ScriptedPubSub([
            [.batch(events(1...2), pending: 0), .silence], [.fail(corrupted)], [.batch(events(3...4), pending: 98)],
        ])
        let host = RecordingHost(blocks: true)
        await run(calls, host, position: nil) { await host.replayIDs.count == 4 }
        #expect(calls.requests.count == 3)
        #expect(calls.requests[2].first?.replayPreset == .earliest)
    }

    @Test func `events that were not taken are no repetitions when they come again`() async throws {
        let calls = ScriptedPubSub([[.batch(events(1...3), pending: 97)], [.batch(events(1...3), pending: 97)]])
        let host = RecordingHost(refusals: 1)
        await run(calls, host, position: nil) { await host.batches.count == 1 }
        #expect(await host.replayIDs == (1...3).map(id))
        #expect(calls.requests[1].first?.replayPreset == .latest)
    }

    @Test func `a session that is refused again and again is renewed less and less often`() async throws {
        let refused = StreamFailure(reaction: .renewSession, reason: "service.auth.error")
        let lost = StreamFailure(reaction: .reconnect(minimum: .zero), reason: "UNAVAILABLE")
        let calls = ScriptedPubSub([
            [.fail(refused)], [.fail(refused)], [.fail(lost)], [.fail(refused)], [.fail(refused)],
            [.batch(events(1...1), pending: 99)],
        ])
        let host = RecordingHost()
        let time = ManualTime(autoAdvance: true)
        await run(calls, host, position: nil, time: time) { await host.replayIDs.count == 1 }
        // With their jitter; whoever watches the stream sleeps as well, but never so long.
        for (wait, jitter) in [(30, 1), (60, 4), (120, 8)] {
            let waits = time.slept.filter { $0 >= .seconds(wait) && $0 <= .seconds(wait + jitter) }
            #expect(waits.count == 1, "\(wait) s: \(time.slept)")
        }
    }

    @Test func `a relay that is stopped says so, a topic that was given up goes on saying why`() async throws {
        let host = RecordingHost()
        let calls = ScriptedPubSub([[.keepalive(id(1)), .silence]])
        let task = Task { await subscription(calls, host, position: nil).run() }
        while await host.batches.isEmpty { await Task.yield() }
        task.cancel()
        await task.value
        #expect(await host.statuses.last?.state == .off)
        let corrupted = StreamFailure(reaction: .stopTopic(fix: "Mend it."), reason: "topic.not.found")
        let stopped = RecordingHost()
        await subscription(ScriptedPubSub([[.fail(corrupted)]]), stopped, position: nil).run()
        #expect(await stopped.statuses.last?.state == .stopped)
    }

    @Test func `a quiet topic is seen to be accepted long before its first keepalive`() async throws {
        let host = RecordingHost()
        await run(ScriptedPubSub([[.silence]]), host, position: nil) {
            await host.statuses.contains { $0.state == .accepted }
        }
        #expect(await host.statuses.first?.state == .connecting)
        #expect(await host.statements.isEmpty, "nothing is known yet of what was lost")
    }

    @Test func `after an overflow half as much is asked for`() async throws {
        let overflow = StreamFailure(reaction: .narrow, reason: "subscription.fetch.overflow")
        let calls = ScriptedPubSub([[.fail(overflow)], [.fail(overflow)], [.silence]])
        await run(calls, RecordingHost(), position: nil) { calls.requests.count == 3 }
        #expect(calls.requests.map { $0.first?.numRequested } == [100, 50, 25])
    }

    @Test func `what was just deployed is given some minutes to become known`() async throws {
        let unknown = try #require(ErrorCode.reaction(to: "managed.subscription.developer.name.not.found"))
        let failure = StreamFailure(reaction: unknown, reason: "managed.subscription.developer.name.not.found")
        let host = RecordingHost()
        let time = ManualTime(autoAdvance: true)
        let calls = ScriptedPubSub(Array(repeating: [.fail(failure)], count: 20))
        await subscription(calls, host, position: nil, time: time).run()
        #expect(calls.requests.count == 1 + ErrorCode.deploymentTries)
        #expect(time.source.monotonic() >= .seconds(600))
        #expect(await host.statuses.last?.state == .stopped)
    }

    @Test func `while the allocation is used up no connection is made`() async throws {
        let used = StreamFailure(reaction: .awaitAllocation, reason: "subscription.limit.exceeded")
        let calls = ScriptedPubSub([[.fail(used)], [.batch(events(1...1), pending: 99)]])
        let looks = Counter()
        let time = ManualTime(autoAdvance: true)
        let host = RecordingHost()
        let task = Task {
            await subscription(calls, host, position: nil, time: time, isAllocationUsed: { looks.next() < 4 }).run()
        }
        while await host.batches.isEmpty { await Task.yield() }
        task.cancel()
        await task.value
        #expect(calls.requests.count == 2)
        #expect(time.source.monotonic() >= ErrorCode.allocationWait * 4)
    }

    @Test func `with a session of another place nothing is asked for`() async throws {
        let calls = ScriptedPubSub([[.silence]])
        let host = RecordingHost()
        let task = Task {
            await subscription(calls, host, position: Position(replayID: id(1), time: 0), isHome: { _ in false }).run()
        }
        while await host.statuses.last?.state != .reconnecting { await Task.yield() }
        task.cancel()
        await task.value
        #expect(calls.requests.isEmpty)
    }

    @Test func `a managed subscription cannot bring back what Salesforce has dropped`() async throws {
        let day: Int64 = 86_400_000
        let time = ManualTime(start: 10 * day, autoAdvance: true)
        func statement(heardAt: Int64) async -> ResumeStatement? {
            let host = RecordingHost()
            let calls = ScriptedPubSub([[.batch(events(2...2), pending: 99)]])
            let task = Task {
                await subscription(
                    calls, host, position: Position(replayID: id(1), time: heardAt, receivedAt: heardAt), time: time,
                    managed: ManagedSubscription("Relay")
                ).run()
            }
            while await host.statements.isEmpty { await Task.yield() }
            task.cancel()
            await task.value
            return await host.statements.first
        }
        #expect(await statement(heardAt: 9 * day)?.kind == .nothingLost)
        let lost = await statement(heardAt: 5 * day)
        #expect(lost?.kind == .possibleGap && lost?.lostSince == 5 * day)
        #expect(lost?.text.contains("errorRecoveryReplay") == true)
    }

    // MARK: Helpers

    private func run(
        _ calls: ScriptedPubSub, _ host: RecordingHost, policy: TopicSettings.InvalidReplayPolicy = .earliest,
        position: Position?, time: ManualTime = ManualTime(autoAdvance: true), until done: () async -> Bool
    ) async {
        let task = Task { await subscription(calls, host, policy: policy, position: position, time: time).run() }
        while await !done() { await Task.yield() }
        task.cancel()
        await task.value
    }

    private func subscription(
        _ calls: ScriptedPubSub, _ host: RecordingHost, policy: TopicSettings.InvalidReplayPolicy = .earliest,
        position: Position?, time: ManualTime = ManualTime(autoAdvance: true), managed: ManagedSubscription? = nil,
        isHome: @escaping @Sendable (Session) -> Bool = { _ in true },
        isAllocationUsed: @escaping @Sendable () async -> Bool = { false }
    ) -> Subscription {
        let counter = Counter()
        var settings = TopicSettings(name: "/data/ChangeEvents", onInvalidReplay: policy)
        settings.managed = managed
        return Subscription(
            settings: settings, position: position, calls: calls,
            authenticator: Authenticator { () async throws(SignInError) in session(counter.next()) }, host: host,
            time: time.source, isHome: isHome, isAllocationUsed: isAllocationUsed, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            executors: QueueExecutor().both)
    }

    private func id(_ number: Int) -> ReplayID { ReplayID([0, 0, UInt8(number >> 8), UInt8(number & 255), 0])! }

    private func events(_ numbers: ClosedRange<Int>) -> [ConsumerEvent] {
        numbers.map { ConsumerEvent(id: "e\($0)", schemaID: "s", replayID: id($0), payload: []) }
    }
}
