/// Which topics bring changes of an object.
package enum EntityTopic {
    /// `/data/AccountChangeEvent`, `/data/Site__ChangeEvent`
    package static func single(_ entity: String) -> String {
        entity.hasSuffix("__c") ? "/data/\(entity.dropLast(3))__ChangeEvent" : "/data/\(entity)ChangeEvent"
    }

    /// The one object of a topic; nil for a channel of several, and for platform events.
    package static func entity(of topic: String) -> String? {
        guard topic.hasPrefix("/data/"), topic != "/data/ChangeEvents", topic.hasSuffix("ChangeEvent") else { return nil }
        let name = topic.dropFirst("/data/".count).dropLast("ChangeEvent".count)
        guard !name.isEmpty else { return nil }
        return name.hasSuffix("__") ? "\(name)c" : String(name)
    }

    /// A channel may carry any object.
    package static func mayCarry(_ entity: String, _ topic: String) -> Bool {
        guard topic.hasPrefix("/data/") else { return false }
        return self.entity(of: topic).map { $0 == entity } ?? true
    }

    /// Whether events of this name can come on a topic: a platform event comes on its own, and a channel may carry any.
    package static func mayBring(_ entity: String, _ topic: String) -> Bool {
        guard topic.hasPrefix("/event/") else { return mayCarry(entity, topic) }
        return topic.hasSuffix("__chn") || topic == "/event/\(entity)"
    }

    /// Of those that are subscribed to, the one that stands for the object's records: its own before any channel's.
    package static func preferred(_ entity: String, among topics: [String]) -> String {
        let own = single(entity)
        guard !topics.contains(own) else { return own }
        return topics.first { mayCarry(entity, $0) } ?? own
    }
}
