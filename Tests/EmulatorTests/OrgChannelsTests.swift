import Events
import PubSub
import Testing

@testable import Emulator

/// What channels carry, and what of it a user is given.
@Suite struct OrgChannelsTests {
    private var org = EmulatedOrg(
        access: OrgAccess(clientID: "id", clientSecret: "s", organizationID: "00D", fixedToken: nil), seed: 3,
        now: 1_000,
        forbidden: [])
    private let orders = "/data/Orders__chn"

    private mutating func change(_ name: String, add: [String] = [], remove: [String] = []) throws {
        try org.perform(.channel(ChannelEdit(name: name, add: add, remove: remove)), now: 2_000)
    }

    private mutating func commit(_ entity: String) throws -> Set<String> {
        try org.commit([EmulatedChange(entity: entity, recordIDs: ["001"])], now: 3_000)
    }

    @Test mutating func `an event is on every channel that carries its entity, and on its own topic`() throws {
        #expect(try commit("Opportunity") == ["/data/ChangeEvents", orders, "/data/OpportunityChangeEvent"])
        #expect(try commit("Account") == ["/data/ChangeEvents", "/data/AccountChangeEvent"])
        #expect(try org.topicInfo(TopicRequest(topicName: orders)).schemaID == "")
    }

    @Test mutating func `what is added comes from then on, and what is removed no more`() throws {
        try change("Orders__chn", add: ["Account"], remove: ["Opportunity"])
        #expect(try commit("Account").contains(orders))
        #expect(try !commit("Opportunity").contains(orders))
        #expect(org.topics[orders]?.count == 1)
    }

    @Test mutating func `a channel that is not there is made, for one kind of event`() throws {
        try change("Ready__chn", add: ["Order_Ready__e"])
        #expect(try commit("Order_Ready__e") == ["/event/Ready__chn", "/event/Order_Ready__e"])
        #expect(try !org.topicInfo(TopicRequest(topicName: "/event/Ready__chn")).canPublish)
        let event = ProducerEvent(id: "mine", schemaID: SalesforceSchemas.orderReady.id, payload: [1])
        let published = try org.publish(
            PublishRequest(topicName: "/event/Order_Ready__e", events: [event]), now: 4_000)
        #expect(published.results[0].replayID == org.topics["/event/Order_Ready__e"]?.latestReplayID)
        #expect(org.topics["/event/Ready__chn"]?.count == 2)
    }

    @Test mutating func `an edit that cannot be leaves everything as it was`() throws {
        for (name, add, remove) in [
            ("Orders__chn", ["Order_Ready__e"], []), ("Orders__chn", ["Account"], ["Order_Ready__e"]),
            ("New__chn", ["Account", "Order_Ready__e"], []), ("New__chn", [], ["Account"]),
        ] as [(String, [String], [String])] {
            #expect(throws: EmulatorError.self) { try change(name, add: add, remove: remove) }
        }
        #expect(org.channels.all.map(\.name) == ["ChangeEvents", "Orders__chn"])
        #expect(try !commit("Account").contains(orders))
        for number in 1...99 { try change("C\(number)__chn", add: ["Account"]) }
        #expect(throws: EmulatorError.self) { try change("C100__chn", add: ["Account"]) }
    }

    @Test mutating func `an object that is selected nowhere has no events and no topic`() throws {
        try change("ChangeEvents", remove: ["Account", "Opportunity"])
        #expect(try commit("Account").isEmpty)
        #expect(throws: PubSubFailure.unknownTopic("/data/AccountChangeEvent")) {
            try org.log("/data/AccountChangeEvent")
        }
        #expect(try org.topicInfo(TopicRequest(topicName: "/data/OpportunityChangeEvent")).canSubscribe)
        #expect(try commit("Opportunity") == [orders, "/data/OpportunityChangeEvent"])
    }

    @Test mutating func `what the user may not see is passed over without a word`() throws {
        for entity in ["Opportunity", "sfy24__ProductionOrder__c", "Opportunity"] { _ = try commit(entity) }
        try org.perform(.permission(entity: "Opportunity", isGiven: false), now: 0)
        #expect(throws: PubSubFailure.cannotSubscribe("/data/OpportunityChangeEvent")) {
            try org.log("/data/OpportunityChangeEvent")
        }
        var state = try subscribe()
        guard case .respond(let response)? = state.next(from: try org.log(orders), terms: org.terms, now: .zero) else {
            Issue.record("nothing came")
            return
        }
        #expect(response.events.map(\.schemaID) == [SalesforceSchemas.productionOrder.id])
        #expect(state.next(from: try org.log(orders), terms: org.terms, now: .seconds(1)) == nil)
        // The place moves on all the same: what was passed over does not come later.
        try org.perform(.permission(entity: "Opportunity", isGiven: true), now: 0)
        #expect(state.next(from: try org.log(orders), terms: org.terms, now: .seconds(2)) == nil)
    }

    @Test mutating func `at the delivery limit the stream fails, with what is left sent before`() throws {
        for _ in 0..<5 { _ = try commit("Opportunity") }
        var state = try subscribe()
        let log = try org.log(orders)
        let terms = SubscriptionState.Terms(allowance: 2)
        guard case .respond(let response)? = state.next(from: log, terms: terms, now: .zero) else {
            Issue.record("nothing came")
            return
        }
        #expect(response.events.count == 2)
        #expect(state.next(from: log, terms: .init(allowance: 0), now: .zero) == .fail(.deliveryLimitReached))
    }

    private func subscribe() throws -> SubscriptionState {
        try SubscriptionState(
            first: FetchRequest(topicName: orders, replayPreset: .earliest, numRequested: 100),
            log: try org.log(orders),
            rpcID: "r", limits: .init(), now: .zero)
    }
}
