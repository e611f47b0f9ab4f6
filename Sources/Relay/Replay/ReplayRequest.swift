import Events

/// What an operator asks to be replayed.
package struct ReplayRequest: Sendable, Equatable, Codable {
    package enum Start: Sendable, Equatable, Codable {
        /// The oldest there is.
        case earliest
        /// After this event, base64.
        case replayID(String)
        /// After a saved cursor.
        case cursor(String)
        /// From this commit time on, epoch milliseconds.
        case time(Int64)
    }

    package enum Source: String, Sendable, Codable, CaseIterable { case salesforce, journal }

    package var start: Start
    /// Before this commit time; nil replays up to the moment of the request.
    package var until: Int64?
    /// Topics, or their last parts; empty means all of them.
    package var topics: [String] = []
    package var org: String?
    /// Only deliveries of these rules, and to these destinations; empty means all.
    package var rules: [String] = []
    package var destinations: [String] = []
    /// Nil takes the journal where it reaches back far enough, and Salesforce where it does not.
    package var source: Source?
    /// Sends again what was sent, instead of asking today's rules.
    package var isAsRendered = false
    /// At most this many events.
    package var limit: Int?
    /// Events each second, at most.
    package var rate: Double?

    package init(_ start: Start) { self.start = start }
}
