import Events
import Testing

@Suite struct EntityTopicTests {
    @Test func `topics and objects name each other`() {
        let names = ["Account", "Site__c", "sfy24__ProductionOrder__c"]
        let topics = names.map(EntityTopic.single)
        #expect(
            topics == [
                "/data/AccountChangeEvent", "/data/Site__ChangeEvent", "/data/sfy24__ProductionOrder__ChangeEvent",
            ])
        #expect(topics.map(EntityTopic.entity(of:)) == names)
        #expect(names.map { EntityTopic.entity(ofChangeEvent: EntityTopic.changeEvent(of: $0)) } == names)
        #expect(["Account", "Order__e", "ChangeEvent"].allSatisfy { EntityTopic.entity(ofChangeEvent: $0) == nil })
        #expect(["/data/ChangeEvents", "/data/Orders__chn", "/event/Order__e"].allSatisfy { EntityTopic.entity(of: $0) == nil })
        #expect(EntityTopic.mayCarry("Account", "/data/Orders__chn"))
        #expect(!EntityTopic.mayCarry("Account", "/data/ContactChangeEvent"))
        #expect(!EntityTopic.mayCarry("Account", "/event/Account__e"))
    }

    @Test func `a record stands on the object's own topic, or on the channel that is subscribed to`() {
        #expect(EntityTopic.preferred("Account", among: ["/data/ChangeEvents"]) == "/data/ChangeEvents")
        #expect(
            EntityTopic.preferred("Account", among: ["/data/ChangeEvents", "/data/AccountChangeEvent"])
                == "/data/AccountChangeEvent")
        #expect(EntityTopic.preferred("Account", among: ["/event/X__e"]) == "/data/AccountChangeEvent")
    }
}
