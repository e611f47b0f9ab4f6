/// What can be made to go wrong with the Pub/Sub side.
package enum PubSubFault: Sendable, Equatable {
    /// Every connection is told GOAWAY; its streams are then ended, and it is closed.
    case goAway
    /// Every open call is reset with NO_ERROR and no trailers.
    case reset
    /// Connections are cut without a word.
    case disconnect
    /// Subscriptions say nothing for this long, not even that they are alive. HTTP/2 itself answers.
    case silence(Duration)
    /// Issued tokens end, and every open call with them.
    case unauthenticated
    /// Open calls end, and new ones are refused for this long.
    case unavailable(Duration)
}
