/// Objects, the change events that tell of them, and the topics that bring those.
public enum EntityTopic {
    private static let suffix = "ChangeEvent"

    /// `Account` → `AccountChangeEvent`, `Site__c` → `Site__ChangeEvent`
    public static func changeEvent(of entity: String) -> String {
        (entity.hasSuffix("__c") ? String(entity.dropLast()) : entity) + suffix
    }

    /// `AccountChangeEvent` → `Account`, `Site__ChangeEvent` → `Site__c`; nil for other names.
    public static func entity(ofChangeEvent name: String) -> String? {
        guard name.hasSuffix(suffix), name.utf8.count > suffix.utf8.count else { return nil }
        let stem = name.dropLast(suffix.count)
        return stem.hasSuffix("__") ? "\(stem)c" : String(stem)
    }

    /// `/data/AccountChangeEvent`, `/data/Site__ChangeEvent`
    public static func single(_ entity: String) -> String { "/data/" + changeEvent(of: entity) }

    /// The one object of a topic; nil for a channel of several, and for platform events.
    public static func entity(of topic: String) -> String? {
        guard topic.hasPrefix("/data/") else { return nil }
        return entity(ofChangeEvent: String(topic.dropFirst("/data/".count)))
    }

    /// A channel may carry any object.
    public static func mayCarry(_ entity: String, _ topic: String) -> Bool {
        guard topic.hasPrefix("/data/") else { return false }
        return self.entity(of: topic).map { $0 == entity } ?? true
    }

    /// Whether events of this name can come on a topic: a platform event comes on its own, and a channel may carry any.
    public static func mayBring(_ entity: String, _ topic: String) -> Bool {
        guard topic.hasPrefix("/event/") else { return mayCarry(entity, topic) }
        return topic.hasSuffix("__chn") || topic == "/event/\(entity)"
    }

    /// Of those that are subscribed to, the one that stands for the object's records: its own before any channel's.
    public static func preferred(_ entity: String, among topics: [String]) -> String {
        let own = single(entity)
        guard !topics.contains(own) else { return own }
        return topics.first { mayCarry(entity, $0) } ?? own
    }
}
