import Events
import Salesforce
import Store

/// What came on one topic since the start, and how near its stream is to the present. No clocks: times are passed in.
package struct StreamNumbers: Sendable, Equatable {
    /// How long Salesforce keeps events, in milliseconds.
    package static let retention: Int64 = 72 * 3_600_000

    package var events = 0
    package var quarantined = 0
    /// By change type (`GAP_UPDATE`): at most the five that Salesforce has.
    package var gaps: [String: Int] = [:]
    package var reconnects = 0
    /// Times that the stream broke, or could not be opened.
    package var failures = 0
    /// Statements that events may be missing.
    package var possibleGaps = 0
    /// Times that an object came with other fields than before.
    package var schemaChanges = 0
    package var state = ""
    package var detail = ""
    /// When `state` began. Times are epoch milliseconds.
    package var since: Int64 = 0
    /// When a stream that is down is tried again.
    package var nextTry: Int64?
    package var lastReceivedAt: Int64?
    /// Everything up to this commit time was received.
    package var position: Int64?
    /// How old the last event was when it came; zero after a keepalive, which says that nothing is missing.
    private var lastLag: Int64?

    package init() {}

    /// - Parameter commitTime: of the last event; nil for a keepalive.
    package mutating func received(events count: Int, commitTime: Int64?, at now: Int64) {
        events += count
        lastReceivedAt = now
        if let commitTime {
            position = max(position ?? .min, commitTime)
            lastLag = max(0, now - commitTime)
        } else if count == 0 {
            position = now
            lastLag = 0
        }
    }

    /// It brings nothing, whatever there is: until its next response nobody knows what is missing.
    var isDown: Bool {
        switch StreamStatus.State(rawValue: state) {
        case .connecting, .reconnecting, .parked, .stopped, .off: true
        case .accepted, .streaming, .standby, nil: false
        }
    }

    /// How far behind Salesforce what was received is, at most, in milliseconds. While the stream brings events: how old
    /// the last one was when it came. While it is down: how long ago nothing was missing, which grows. Nil while it is not
    /// known: before the first response of a stream, and where another client relays.
    package func lagMilliseconds(now: Int64) -> Int64? {
        if isDown { return position.map { max(0, now - $0) } }
        return state == StreamStatus.State.accepted.rawValue || standsBy ? nil : lastLag
    }

    /// Another client of the managed subscription relays its events.
    var standsBy: Bool { state == StreamStatus.State.standby.rawValue }

    /// How long until Salesforce removes the first event that is not here yet, in seconds. Nil while nothing is known,
    /// and where another client relays them.
    package func headroomSeconds(now: Int64) -> Int64? {
        guard !standsBy else { return nil }
        return position.map { (Self.retention - max(0, now - $0)) / 1000 }
    }
}

extension Cursor {
    /// As `StreamNumbers.lagMilliseconds` of a stream that is down.
    func lagMilliseconds(now: Int64) -> Int64 { max(0, now - max(updatedAt, commitTime ?? .min)) }

    /// The same as `StreamNumbers.headroomSeconds`, from what the store alone can tell.
    func headroomSeconds(now: Int64) -> Int64 {
        (StreamNumbers.retention - lagMilliseconds(now: now)) / 1000
    }
}
