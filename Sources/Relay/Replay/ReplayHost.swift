import Events
import Salesforce
import Synchronization

/// Takes what Salesforce sends again for one topic of a replay, and knows when that is all.
///
/// It is, when the event comes that was the last one at the time of the request, one that was committed later, or a
/// keepalive, which says that nothing waits.
final class ReplayHost: SubscriptionHost {
    private struct State {
        var isEnded = false
        var failure: ReplayFailure?
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let topic: ReplayPlan.Topic
    private let feed: ReplayFeed
    private let tracker: ReplayTracker
    private let time: TimeSource
    private let state = Mutex(State())

    init(topic: ReplayPlan.Topic, feed: ReplayFeed, tracker: ReplayTracker, time: TimeSource) {
        self.topic = topic
        self.feed = feed
        self.tracker = tracker
        self.time = time
    }

    var failure: ReplayFailure? { state.withLock { $0.failure } }

    func end(_ failure: ReplayFailure? = nil) {
        let waiter = state.withLock { state in
            state.isEnded = true
            state.failure = state.failure ?? failure
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Returns once all is taken, or nothing more can come.
    func ended() async {
        await withCheckedContinuation { continuation in
            let isEnded = state.withLock { state in
                if !state.isEnded { state.waiter = continuation }
                return state.isEnded
            }
            if isEnded { continuation.resume() }
        }
    }

    /// A replay goes at its own pace; its batches wait in `accept`.
    var hasRoom: Bool { true }

    func accept(_ batch: ReceivedBatch) async throws -> Int64? {
        if batch.isKeepalive { return try await leave() }
        // All of them were taken already; what follows is still to come.
        guard !batch.events.isEmpty else { return await feed.lastTime }
        let last = batch.events.firstIndex { $0.replayID.description == topic.last }
        let events = Array(batch.events.prefix((last ?? batch.events.count - 1) + 1))
        do {
            // The subscription's own thread has sockets to serve.
            let flow = try await withTaskExecutorPreference(feed.elsewhere) {
                try await feed.take(events, receivedAt: batch.receivedAt)
            }
            guard flow == .more, last == nil else { return try await leave() }
        } catch let error as CancellationError {
            throw error
        } catch {
            return try await leave(ReplayFailure("\(error)"))
        }
        return await feed.lastTime
    }

    /// The subscription is ended from outside, so that it does not take its end for a failure.
    private func leave(_ failure: ReplayFailure? = nil) async throws -> Int64? {
        end(failure)
        while true { try await time.sleep(.seconds(3_600)) }
    }

    func changed(_ status: StreamStatus, topic: String) async {
        switch status.state {
        case .stopped: end(ReplayFailure(status.detail))
        case .reconnecting, .standby, .parked: tracker.waits(status.detail)
        case .connecting, .accepted, .streaming, .off: tracker.waits("")
        }
    }

    /// The log has it; a replay's stream says nothing about what the live one has lost.
    func stated(_ statement: ResumeStatement, topic: String) async {}
}
