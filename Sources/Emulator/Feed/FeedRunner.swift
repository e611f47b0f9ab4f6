import Events

/// Publishes the built-in feed, by itself or on demand.
actor FeedRunner {
    /// Transactions published at once when the runner is late.
    static let maximumBurst = 10_000

    private var feed: EmulatorFeed
    private let service: PubSubService
    private let clock: TimeSource

    init(seed: UInt64, service: PubSubService, clock: TimeSource) {
        feed = EmulatorFeed(seed: seed)
        self.service = service
        self.clock = clock
    }

    func publish(_ count: Int) async {
        for _ in 0..<count {
            do {
                try await service.publish(feed.next(now: clock.wall()))
            } catch {
                preconditionFailure("the feed made a change that its own schema refuses: \(error)")
            }
        }
    }

    /// Until its task is cancelled.
    ///
    /// - Parameter rate: transactions per second, above zero.
    func run(rate: Double) async {
        let start = clock.monotonic()
        var published = 0.0
        while !Task.isCancelled {
            let elapsed = (clock.monotonic() - start) / .seconds(1)
            let due = min((elapsed * rate).rounded(.down) - published, Double(Self.maximumBurst))
            if due > 0 {
                await publish(Int(due))
                published += due
            }
            // Short waits only where the rate needs them.
            do { try await clock.sleep(.seconds(max(0.005, min(1, 1 / rate)))) } catch { return }
        }
    }
}
