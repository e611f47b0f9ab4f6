/// What a script changes of the emulated org.
package enum SalesforceEdit: Sendable, Equatable {
    /// The token endpoint refuses so often, in these words.
    case refuse(error: String, description: String, times: Int)
    /// Whether a refresh token is replaced with each use.
    case rotate(Bool)
    /// The sandbox is refreshed: the same address and app, another org; sessions end.
    case refreshSandbox(String)
    case channel(ChannelEdit)
    /// Whether the user may see all records of an object, or read a platform event.
    case permission(entity: String, isGiven: Bool)
    case managed(ManagedEdit)
    case limits([LimitEdit])
    /// Answers of the REST API in place of its own. The path is what stands behind the version: `/query`.
    case rest(TargetFault)
}

/// Members of a channel. One that is not there is made, if its name ends in `__chn`.
package struct ChannelEdit: Sendable, Equatable {
    package var name: String
    /// Entities: `Account`, `Order_Ready__e`.
    package var add: [String] = []
    package var remove: [String] = []
}

package enum ManagedReplay: String, Sendable, CaseIterable {
    case latest = "LATEST"
    case earliest = "EARLIEST"
}

package enum ManagedState: String, Sendable, CaseIterable {
    case run = "RUN"
    case stop = "STOP"
}

/// A managed subscription, by its developer name. What is nil stays, or is a new one's default.
package struct ManagedEdit: Sendable, Equatable {
    package var name: String
    /// Of a new one.
    package var topic: String?
    package var state: ManagedState?
    package var defaultReplay: ManagedReplay?
    package var errorRecoveryReplay: ManagedReplay?
    package var isDeleted = false
}

package struct LimitEdit: Sendable, Equatable {
    package var name: OrgLimit
    /// Nil stays as it is.
    package var maximum: Int?
    /// Nil is what the maximum leaves of what was used.
    package var remaining: Int?
}
