import Events
import Logging
import Store
import Synchronization

/// Keeps acknowledged requests, where the configuration says so, so that a replay can send them again as they were.
///
/// It stands beside the path of events and never holds it up: what comes faster than it can be written is not kept, and
/// counted.
package final class SentRecorder: AttemptObserver {
    /// Requests that wait to be written, and the bytes of their bodies.
    static let maximumWaiting = 5_000
    static let maximumWaitingBytes = 8 << 20
    /// Between two writes.
    static let pause: Duration = .milliseconds(500)

    private struct State {
        var waiting: [SentDelivery] = []
        var bytes = 0
        var skipped = 0
        var said = 0
    }

    private let store: Store
    private let time: TimeSource
    private let log: Logger
    private let state = Mutex(State())

    package init(store: Store, time: TimeSource = .system, log: Logger) {
        self.store = store
        self.time = time
        self.log = log
    }

    /// Requests that were acknowledged and not kept, since the start.
    package var skipped: Int { state.withLock { $0.skipped } }

    package func attempted(
        _ delivery: Delivery, number: Int, outcome: AttemptOutcome, milliseconds: Int64, at now: Moment
    ) {
        guard store.keepsSent, case .delivered = outcome, !delivery.isGathered else { return }
        let sent = SentDelivery(delivery: delivery, at: now.wall)
        state.withLock { state in
            guard state.waiting.count < Self.maximumWaiting, state.bytes < Self.maximumWaitingBytes else {
                state.skipped += 1
                return
            }
            state.waiting.append(sent)
            state.bytes += delivery.body.count
        }
    }

    /// Writes until the task is cancelled.
    package func run() async {
        while (try? await time.sleep(Self.pause)) != nil { await write() }
        await write()
    }

    func write() async {
        let (sent, skipped) = state.withLock { state in
            defer {
                state.waiting = []
                state.bytes = 0
                state.said = state.skipped
            }
            return (state.waiting, state.skipped - state.said)
        }
        if skipped > 0 { log.warning("\(skipped) acknowledged requests came too fast to be kept for replay --resend") }
        do throws(StoreError) {
            try await store.addSent(sent, wall: time.wall())
        } catch {
            log.warning("\(error) \(sent.count) acknowledged requests are not kept for replay --resend.")
        }
    }
}
