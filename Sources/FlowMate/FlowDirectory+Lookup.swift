/// Why a flow gets no events although it exists.
package enum FlowExclusion: Sendable, Equatable, CustomStringConvertible {
    case notActive(status: String)
    case scheduled
    case badID
    case noFirstNode
    case noUser
    case userNotActive(username: String, status: String)
    case otherTemplate

    package var description: String {
        switch self {
        case .notActive(let status): "is \(status)"
        case .scheduled: "is scheduled (cron), so it has no webhook"
        case .badID: "has an ID that is not 24 hex digits"
        case .noFirstNode: "has no first step, so its webhook cannot run"
        case .noUser: "has no owner among the users"
        case .userNotActive(let username, let status): "belongs to '\(username)', who is \(status)"
        case .otherTemplate: "is not made from an allowed template"
        }
    }
}

/// The flows that an event for one user goes to.
package enum FlowResolution: Sendable, Equatable {
    /// In order of their IDs; empty when the user has no fitting flow.
    case flows([FlowMateFlow])
    case unknownUser
    case userNotActive(status: String)
    /// Two users have this name: neither is safely the right one.
    case ambiguous(ids: [String])
    /// Nothing was read from FlowMate yet.
    case notScanned
}

extension FlowDirectory {
    package enum Wanted: String, Sendable, CaseIterable {
        /// Those whose webhook answers now.
        case active
        /// Those that are switched off as well: deliveries wait for them.
        case all
    }

    package func flow(_ id: String) -> FlowMateFlow? { flows[id]?.flow }

    /// Every flow that is known, in order of IDs.
    package var allFlows: [FlowMateFlow] { flows.values.map(\.flow).sorted { $0.id < $1.id } }

    /// In order of their names.
    package var allUsers: [FlowMateUser] { users.values.sorted { ($0.username, $0.id) < ($1.username, $1.id) } }

    /// Another user has the same name, so that `fanOut` goes to neither.
    func isAmbiguous(_ user: FlowMateUser) -> Bool { usersByName[user.username.lowercased(), default: []].count > 1 }

    /// The flows of a user.
    ///
    /// - Parameter name: the ID that your system gave; case does not count.
    package func resolve(user name: String, wanted: Wanted = .active) -> FlowResolution {
        if isEmpty { return .notScanned }
        let named = usersByName[name.lowercased()] ?? []
        guard named.count <= 1 else { return .ambiguous(ids: named.sorted()) }
        guard let id = named.first, let user = users[id] else { return .unknownUser }
        guard user.isActive else { return .userNotActive(status: user.status ?? "of unknown status") }
        let owned = (flowsByUser[id] ?? []).compactMap { flows[$0]?.flow }
        return .flows(
            owned.filter { flow in
                switch exclusion(of: flow) {
                case nil: true
                case .notActive?: wanted == .all
                default: false
                }
            })
    }

    /// Why nothing goes to this flow; nil when events do.
    package func exclusion(of flow: FlowMateFlow) -> FlowExclusion? {
        guard FlowMateWebhook.isFlowID(flow.id) else { return .badID }
        if flow.isScheduled { return .scheduled }
        guard flow.hasFirstNode else { return .noFirstNode }
        if !settings.templates.isEmpty, !settings.templates.contains(flow.template ?? "") { return .otherTemplate }
        let owners = owners(of: flow)
        guard let owner = owners.first else { return .noUser }
        guard owners.contains(where: \.isActive) else {
            return .userNotActive(username: owner.username, status: owner.status ?? "of unknown status")
        }
        guard flow.status == "active" else { return .notActive(status: flow.status) }
        return nil
    }

    /// The known users among a flow's owners. A tenant that owns a flow is no user.
    package func owners(of flow: FlowMateFlow) -> [FlowMateUser] {
        flow.owners.filter(\.isUser).compactMap { users[$0.id] }
    }

    func owners(of id: String) -> [FlowMateUser] { flows[id].map { owners(of: $0.flow) } ?? [] }
}
