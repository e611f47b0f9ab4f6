import Events
import Logging
import Synchronization

/// What was told of the streams of one org, so that one fault is one line of the log, however many topics it ends.
package final class OutageNews: Sendable {
    /// So long a reason that was told of one topic is no news of another, nor what else an outage goes through.
    static let quiet: Duration = .seconds(30)

    /// What only a person can mend is said again after this.
    package static let reminder: Duration = .seconds(900)

    private struct State {
        var told: [String: Duration] = [:]
        var last: Duration?
    }

    private let state = Mutex(State())

    package init() {}

    /// - Parameters:
    ///   - isTurn: the first failure of an outage, or the first that asks for something else than those before.
    ///   - now: monotonic.
    /// - Returns: how loudly to tell it.
    func level(of reason: String, isTurn: Bool, now: Duration) -> Logger.Level {
        state.withLock { state in
            state.told = state.told.filter { now - $0.value < Self.quiet }
            guard state.told[reason] == nil else { return .info }
            guard isTurn || state.last.map({ now - $0 >= Self.quiet }) ?? true else { return .info }
            state.told[reason] = now
            state.last = now
            return .warning
        }
    }
}
