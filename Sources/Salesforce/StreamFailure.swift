/// Why a stream ended or a call failed, and what that asks for.
package struct StreamFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Reaction: Sendable, Equatable {
        /// Reconnect after a back-off of at least this, and resume after the last event.
        case reconnect(minimum: Duration)
        /// The session was refused: sign in anew, then reconnect.
        case renewSession
        /// The stored replay ID is no longer valid: the topic's `onInvalidReplay` decides.
        case replayInvalid
        /// More was asked for than we took: with half the window, and then as `reconnect`.
        case narrow
        /// The org's daily event deliveries are used up: they free slowly.
        case awaitAllocation
        /// Only a person can mend this; other topics go on.
        case stopTopic(fix: String)
        /// The same, once it has lasted for some minutes: what was just deployed is not known everywhere yet.
        case stopUnlessDeployed(fix: String)
    }

    package let reaction: Reaction
    /// `error-code` without its common prefix, or the gRPC status, or what broke the connection.
    package let reason: String
    /// For Salesforce Support.
    package let rpcID: String?
    /// It is tried again, and will not succeed before somebody has mended something.
    package var needsPerson = false
    /// The endpoint answers, and not in TLS.
    package var isWithoutTLS = false
    /// A bare status that proxies give as well, for what they were answered in HTTP (403, 404): Salesforce names its
    /// verdicts in `error-code`.
    package var mayBeProxys = false
    /// Another client has the managed subscription: this one waits to take over, and nothing is wrong.
    package var isStandBy = false

    package init(reaction: Reaction, reason: String, rpcID: String? = nil) {
        self.reaction = reaction
        self.reason = reason
        self.rpcID = rpcID
    }

    /// What ended is the session, not the stream.
    var isAboutSession: Bool { reaction == .renewSession }

    package var description: String {
        rpcID.map { "\(reason), rpc-id \($0)" } ?? reason
    }
}
