/// How many events to ask for next. No sockets, no clocks.
///
/// Salesforce allows 100 outstanding, closes a stream that idles at zero for 60 seconds, and dislikes frequent small
/// requests: credit is topped up when half of it is used, while the first half is still on its way.
package struct FetchWindow: Sendable {
    package static let maximum: Int32 = 100

    /// After so long a request has arrived, and what was sent before it has been read.
    package static let settling: Duration = .seconds(5)

    /// After so many responses without another complaint, more is asked for again.
    static let calm = 1_000

    package private(set) var limit: Int32
    private let widest: Int32
    /// Responses since the limit was last changed.
    private var responses = 0
    private(set) var outstanding: Int32 = 0

    package init(limit: Int32 = maximum) {
        self.limit = min(max(limit, 1), Self.maximum)
        widest = self.limit
    }

    /// The `num_requested` of a stream's first request.
    package mutating func open() -> Int32 {
        outstanding = limit
        return limit
    }

    /// A response came: how many more to ask for, if any.
    ///
    /// - Parameters:
    ///   - pending: the server's own count. It cannot know requests that are still on their way, so it is trusted only
    ///     in a keepalive, when none can be …
    ///   - isSettled: … and nothing was asked for within `settling`. Otherwise the keepalive may be older than the
    ///     request: it waited here behind a batch that took its time.
    ///   - hasRoom: whether there is room downstream. If not, credit is held back until `roomCame`.
    package mutating func received(
        events: Int, pending: Int32, hasRoom: Bool = true, isSettled: Bool = true
    ) -> Int32? {
        if events == 0 {
            if isSettled { outstanding = min(max(pending, 0), limit) }
        } else {
            outstanding = max(outstanding - Int32(clamping: events), 0)
            if limit < widest { widen() }
        }
        return hasRoom ? topUp() : nil
    }

    /// The relay has room again: what was held back, if anything.
    package mutating func roomCame() -> Int32? { topUp() }

    /// Nothing came although the server reported zero: its count was right and ours was not.
    package mutating func stalled() -> Int32? {
        outstanding = 0
        return topUp()
    }

    /// Salesforce says that we ask for more than we take.
    package mutating func narrow() {
        limit = max(1, limit / 2)
        responses = 0
    }

    private mutating func widen() {
        responses += 1
        guard responses >= Self.calm else { return }
        limit = min(widest, limit * 2)
        responses = 0
    }

    private mutating func topUp() -> Int32? {
        guard outstanding <= limit / 2 else { return nil }
        defer { outstanding = limit }
        return limit - outstanding
    }
}
