import PubSub

/// The managed subscriptions of the org.
struct ManagedSubscriptions: Sendable {
    /// Salesforce's own limit.
    static let maximum = 200

    private(set) var all: [ManagedEventSubscription] = []
    private var made: UInt64 = 0

    /// One, of the orders' channel: whoever comes first gets all that there is.
    init() {
        add(EmulatorDefaults.managedSubscription, topic: "/data/\(EmulatorDefaults.orderChannel)")
        all[0].defaultReplay = .earliest
        all[0].errorRecoveryReplay = .earliest
    }

    subscript(id: String) -> ManagedEventSubscription? {
        get { all.first { $0.id == id } }
        set {
            guard let index = all.firstIndex(where: { $0.id == id }) else { return }
            if let newValue { all[index] = newValue } else { all.remove(at: index) }
        }
    }

    /// The one that the first request of a stream names, by ID or by developer name.
    func find(_ request: ManagedFetchRequest) throws(PubSubFailure) -> ManagedEventSubscription {
        let id = request.subscriptionID
        guard id.isEmpty != request.developerName.isEmpty else { throw .managedNameMissing }
        if id.isEmpty {
            if let found = all.first(where: { $0.developerName == request.developerName }) { return found }
            throw .unknownManagedName(request.developerName)
        }
        guard id.utf8.count == 15 || id.utf8.count == 18 else { throw .badManagedID(id) }
        // The short form, without its check characters, names the same one.
        let found = all.first { $0.id == id || (id.utf8.count == 15 && $0.id.hasPrefix(id)) }
        guard let found else { throw .unknownManagedID(id) }
        return found
    }

    /// - Parameter isTopic: whether the org has that topic.
    mutating func change(_ edit: ManagedEdit, isTopic: (String) -> Bool) throws(EmulatorError) {
        if let topic = edit.topic, !isTopic(topic) { throw .notThere("there is no topic \(topic)") }
        if !all.contains(where: { $0.developerName == edit.name }) {
            guard let topic = edit.topic, !edit.isDeleted else {
                throw .notThere("there is no managed subscription \(edit.name); one that is to be made needs a topic")
            }
            guard all.count < Self.maximum else {
                throw .notThere("an org has at most \(Self.maximum) managed subscriptions")
            }
            add(edit.name, topic: topic)
        }
        guard let index = all.firstIndex(where: { $0.developerName == edit.name }) else { return }
        guard !edit.isDeleted else {
            all.remove(at: index)
            return
        }
        guard edit.topic == nil || edit.topic == all[index].topic else {
            throw .notThere("the topic of \(edit.name) cannot change: it is \(all[index].topic)")
        }
        all[index].defaultReplay = edit.defaultReplay ?? all[index].defaultReplay
        all[index].errorRecoveryReplay = edit.errorRecoveryReplay ?? all[index].errorRecoveryReplay
        all[index].state = edit.state ?? all[index].state
    }

    private mutating func add(_ name: String, topic: String) {
        made += 1
        all.append(
            ManagedEventSubscription(
                id: SalesforceID.make(prefix: "18x", number: made), developerName: name, topic: topic))
    }
}
