import Events

/// A change to the emulated FlowMate, as somebody would make it on its screens.
package enum FlowMateEdit: Sendable, Equatable {
    /// Edits a flow, or makes one. What is nil stays, or is a new flow's default.
    case flow(Flow)
    /// Edits a user by name, or makes one.
    case user(name: String, status: String)
    /// Nil stays as it is.
    case manners(refusesHead: Bool?, refusesRepeatedSwitch: Bool?)

    package struct Flow: Sendable, Equatable {
        package var id: String
        package var name: String?
        package var isActive: Bool?
        /// Empty takes the schedule away.
        package var cron: String?
        /// By user name.
        package var owner: String?
        package var template: String?
        package var inputs: Fields?
        /// `none`, `bearer`, or the key of `hmac`.
        package var auth: String?
        package var hmacKey: String?
        package var failsToStart: Bool?
        package var hasFirstStep: Bool?
    }
}

/// A change to the emulated integrator.io.
package enum IntegratorEdit: Sendable, Equatable {
    /// Runs of flows on an offline connection stay queued.
    case connection(id: String, isOffline: Bool)
    /// When records changed in the source: windows export those that they hold. Epoch milliseconds.
    case records([Int64])
    /// The account's bucket: requests at once, and a second.
    case bucket(burst: Int, refill: Int)
    /// How the listener reads what is posted: the path to its records, and a media type in place of the request's. Empty
    /// takes it away, nil stays as it is.
    case listener(records: String?, mediaType: String?)
}

extension FlowMateModel {
    mutating func perform(_ edit: FlowMateEdit, now: Int64, freshID: String) throws(EmulatorError) {
        switch edit {
        case .user(let name, let status):
            if let index = users.firstIndex(where: { $0.username == name.lowercased() }) {
                users[index].status = status
            } else {
                users.append(FlowMateUser(id: freshID, username: name.lowercased(), status: status))
            }
        case .flow(let wanted): try change(wanted, now)
        case .manners(let refusesHead, let refusesRepeatedSwitch):
            manners.refusesHead = refusesHead ?? manners.refusesHead
            manners.refusesRepeatedSwitch = refusesRepeatedSwitch ?? manners.refusesRepeatedSwitch
        }
    }

    private mutating func change(_ wanted: FlowMateEdit.Flow, _ now: Int64) throws(EmulatorError) {
        guard Self.isID(wanted.id) else { throw .notThere("a flow ID has 24 hex digits, '\(wanted.id)' has not") }
        if !flows.contains(where: { $0.id == wanted.id }) {
            flows.append(
                FlowMateFlow(
                    id: wanted.id, name: "Flow \(flows.count + 1)", owner: EmulatorDefaults.flowMateUser,
                    createdAt: now, updatedAt: now))
        }
        guard let index = flows.firstIndex(where: { $0.id == wanted.id }) else { return }
        var flow = flows[index]
        if let name = wanted.owner {
            guard let user = users.first(where: { $0.username == name.lowercased() }) else {
                throw .notThere("there is no user '\(name)'")
            }
            flow.owner = user.id
        }
        flow.name = wanted.name ?? flow.name
        flow.template = wanted.template ?? flow.template
        flow.inputs = wanted.inputs ?? flow.inputs
        flow.failsToStart = wanted.failsToStart ?? flow.failsToStart
        flow.hasFirstStep = wanted.hasFirstStep ?? flow.hasFirstStep
        if let cron = wanted.cron { flow.cron = cron.isEmpty ? nil : cron }
        if let key = wanted.hmacKey {
            flow.auth = .hmac(key: key)
        } else if let auth = wanted.auth {
            flow.auth = auth == "bearer" ? .bearer : .none
        }
        if let isActive = wanted.isActive { flow.settle(isActive: isActive) }
        flow.updatedAt = now
        flows[index] = flow
    }
}

extension IntegratorModel {
    mutating func perform(_ edit: IntegratorEdit) throws(EmulatorError) {
        switch edit {
        case .connection(let id, let isOffline):
            guard let index = catalogue.connections.firstIndex(where: { $0.id == id }) else {
                throw .notThere("there is no connection '\(id)'")
            }
            catalogue.connections[index]["offline"] = .bool(isOffline)
        case .records(let times): records = times
        case .bucket(let burst, let refill): bucket = Bucket(burst: Double(burst), refill: Double(refill))
        case .listener(let records, let mediaType):
            catalogue.changeListener("pathToRecords", records)
            catalogue.changeListener("requestMediaType", mediaType)
        }
    }
}
