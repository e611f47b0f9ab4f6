import Curl
import Events

/// One request of a test, with what became of it.
struct SentDelivery: Sendable {
    enum State: String, Sendable { case delivered, dead, dropped, paused, pending }

    var id: String
    var rule: String
    var destination: String
    /// The first request that was made for it; nil if none was.
    var request: HTTPRequest?
    /// Milliseconds after the start, of the first attempt.
    var at: Int64?
    var attempts = 0
    var state = State.pending
    /// Why the last attempt failed.
    var reason = ""
    /// Of a run: the least window that its claims ask for.
    var window: ClosedRange<Int64>?

    init(id: String, rule: String, destination: String) {
        self.id = id
        self.rule = rule
        self.destination = destination
    }

    /// `opportunity-won → flowmate`
    var title: String { "\(rule) → \(destination)" }
}
