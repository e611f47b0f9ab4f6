import Events

/// Where a topic's stream was left: after which event, and when that was committed.
package struct Position: Sendable, Hashable {
    package var replayID: ReplayID
    /// Epoch milliseconds of the last event's commit, or of the keepalive that brought the position. For statements only.
    package var time: Int64
    /// Epoch milliseconds by our clock: when it was received.
    package var receivedAt: Int64
    /// An operator put it here, and events committed since then may lie before it; epoch milliseconds.
    package var movedFrom: Int64?

    package init(replayID: ReplayID, time: Int64, receivedAt: Int64? = nil) {
        self.replayID = replayID
        self.time = time
        self.receivedAt = receivedAt ?? time
    }
}

/// What a resume means for completeness, said once at every resume.
package struct ResumeStatement: Sendable, Equatable {
    package enum Kind: String, Sendable { case nothingLost, possibleGap }

    package var kind: Kind
    package var text: String
    /// Events committed since then may be missing; epoch milliseconds. With a possible gap only.
    package var lostSince: Int64?

    package init(kind: Kind, text: String, lostSince: Int64? = nil) {
        self.kind = kind
        self.text = text
        self.lostSince = lostSince
    }
}
