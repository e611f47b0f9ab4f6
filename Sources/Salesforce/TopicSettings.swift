/// How one topic is subscribed to.
package struct TopicSettings: Sendable, Hashable {
    package enum Start: String, Sendable, CaseIterable { case latest, earliest }
    /// What happens when Salesforce no longer knows the stored replay ID.
    package enum InvalidReplayPolicy: String, Sendable, CaseIterable { case earliest, latest, stop }

    package var name: String
    /// Where the very first subscription starts.
    package var start: Start
    package var onInvalidReplay: InvalidReplayPolicy
    /// What to do about it when that is `stop`; nil for a topic of the configuration.
    package var invalidReplayFix: String?
    /// Events outstanding at most, 1…100.
    package var window: Int32
    /// Silence after which the stream counts as dead. Salesforce sends a keepalive within 270 seconds.
    package var watchdog: Duration
    /// How long a stream may wait for room downstream before it is closed on purpose; Salesforce closes it after 60 s.
    package var parkAfter: Duration
    /// Received through this managed subscription, whose topic this is.
    package var managed: ManagedSubscription?

    package init(
        name: String, start: Start = .latest, onInvalidReplay: InvalidReplayPolicy = .earliest,
        window: Int32 = FetchWindow.maximum, watchdog: Duration = .seconds(300), parkAfter: Duration = .seconds(45)
    ) {
        self.name = name
        self.start = start
        self.onInvalidReplay = onInvalidReplay
        self.window = window
        self.watchdog = watchdog
        self.parkAfter = parkAfter
    }
}
