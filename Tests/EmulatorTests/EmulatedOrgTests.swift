import Events
import PubSub
import Testing

@testable import Emulator

@Suite struct EmulatedOrgTests {
    private var org = EmulatedOrg(
        access: OrgAccess(
            clientID: "id", clientSecret: "secret", organizationID: EmulatorDefaults.organizationID,
            fixedToken: "fixed"), seed: 7, now: 1_700_000_000_000, forbidden: ["/data/OpportunityChangeEvent"])

    @Test mutating func `a change is on its own topic and on the common one`() throws {
        let touched = try org.commit(
            [EmulatedChange(entity: "Account", recordIDs: ["001"], fields: ["Phone": .null])], now: 5)
        #expect(touched == ["/data/ChangeEvents", "/data/AccountChangeEvent"])
        #expect(org.topics["/data/ChangeEvents"]?.count == 1)
        #expect(org.topics["/data/AccountChangeEvent"]?.count == 1)
    }

    @Test mutating func `a transaction is published whole or not at all`() {
        #expect(throws: EmulatorError.self) {
            try org.commit(
                [
                    EmulatedChange(entity: "Account", recordIDs: ["001"]),
                    EmulatedChange(entity: "Account", recordIDs: ["001"], fields: ["Nope": .null]),
                ], now: 5)
        }
        #expect(org.topics["/data/ChangeEvents"]?.count == 0)
    }

    @Test mutating func `GetTopic names the schema, but not on a channel of many`() throws {
        let account = try org.topicInfo(TopicRequest(topicName: "/data/AccountChangeEvent"))
        #expect(account.schemaID == SalesforceSchemas.account.id)
        #expect(!account.canPublish)
        #expect(try org.topicInfo(TopicRequest(topicName: "/data/ChangeEvents")).schemaID == "")
        #expect(try org.topicInfo(TopicRequest(topicName: "/event/Order_Ready__e")).canPublish)
        #expect(try !org.topicInfo(TopicRequest(topicName: "/data/OpportunityChangeEvent")).canSubscribe)
        #expect(throws: PubSubFailure.unknownTopic("/data/accountchangeevent")) {
            try org.topicInfo(TopicRequest(topicName: "/data/accountchangeevent"))
        }
    }

    @Test func `only permitted topics can be subscribed to`() {
        #expect(throws: PubSubFailure.cannotSubscribe("/data/OpportunityChangeEvent")) {
            try org.log("/data/OpportunityChangeEvent")
        }
        #expect(throws: PubSubFailure.emptyTopic) { try org.log("") }
    }

    @Test mutating func `GetSchema answers by ID`() throws {
        let schema = SalesforceSchemas.productionOrder
        #expect(try org.schemaInfo(SchemaRequest(schemaID: schema.id)).schemaJSON == schema.json)
        #expect(throws: PubSubFailure.unknownSchema("")) { try org.schemaInfo(SchemaRequest(schemaID: "")) }
    }

    @Test mutating func `publishing keeps the publisher's ID and refuses change topics one by one`() throws {
        let good = try org.publish(
            PublishRequest(
                topicName: "/event/Order_Ready__e",
                events: [ProducerEvent(id: "mine", schemaID: SalesforceSchemas.orderReady.id, payload: [1])]), now: 1)
        #expect(good.results[0].correlationKey == "mine")
        #expect(good.results[0].replayID != nil)
        let bad = try org.publish(
            PublishRequest(
                topicName: "/data/AccountChangeEvent",
                events: [ProducerEvent(id: "", schemaID: SalesforceSchemas.account.id, payload: [1])]), now: 1)
        #expect(bad.results[0].error?.code == 1)
        #expect(throws: PubSubFailure.nothingToPublish) {
            try org.publish(PublishRequest(topicName: "/event/Order_Ready__e", events: []), now: 1)
        }
    }

    @Test mutating func `metadata is checked field by field`() throws {
        org.access.instanceURL = "http://127.0.0.1:99"
        let token = org.issueToken()
        let good = [
            "accesstoken": token, "instanceurl": "http://localhost:99", "tenantid": EmulatorDefaults.organizationID,
        ]
        try org.access.check { good[$0] }
        for name in good.keys {
            #expect(throws: PubSubFailure.missingHeader(name)) { try org.access.check { $0 == name ? "" : good[$0] } }
            #expect(throws: PubSubFailure.sessionInvalid) { try org.access.check { $0 == name ? "wrong" : good[$0] } }
        }
        org.access.revokeAll()
        #expect(throws: PubSubFailure.sessionInvalid) { try org.access.check { good[$0] } }
        #expect(org.access.isValid(token: "fixed"))
    }

    @Test func `the trailers of an error name its code, its call and its ID`() {
        let failure = PubSubFailure.sessionInvalid
        #expect(failure.text(rpcID: "r-1").hasSuffix("rpcId: r-1"))
        let trailers = failure.trailers(rpcID: "r-1", method: "Subscribe").map { "\($0.name)=\($0.value)" }
        #expect(
            trailers == [
                "error-code=sfdc.platform.eventbus.grpc.service.auth.error", "rpc-id=r-1", "type=Subscribe",
            ])
    }
}
