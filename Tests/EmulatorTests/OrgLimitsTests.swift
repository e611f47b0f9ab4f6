import PubSub
import Testing

@testable import Emulator

@Suite struct OrgLimitsTests {
    private var limits = OrgLimits()

    @Test mutating func `use is counted, but bars nothing until a limit is set`() {
        limits.use(.deliveredEvents, 60_000)
        #expect(limits[.deliveredEvents].remaining == 0)
        let isTaken = limits.take(.deliveredEvents)
        #expect(isTaken)
        #expect(limits.allowance(.deliveredEvents) == .max)
    }

    @Test mutating func `a limit that is set lets through what is left`() {
        limits.set(.apiRequests, maximum: 100, remaining: 2)
        let taken = (1...4).map { _ in limits.take(.apiRequests) }
        #expect(taken == [true, true, false, false])
        #expect(limits[.apiRequests].used == 100)
    }

    @Test mutating func `what is not named stays`() {
        limits.use(.apiRequests, 7)
        limits.set(.apiRequests, maximum: 10, remaining: nil)
        #expect(limits.allowance(.apiRequests) == 3)
        limits.set(.apiRequests, maximum: nil, remaining: 4)
        #expect(limits[.apiRequests] == .init(maximum: 10, used: 6, isEnforced: true))
        limits.set(.apiRequests, maximum: nil, remaining: 50)
        #expect(limits[.apiRequests].used == 0)
    }

    @Test func `published events over the limit are refused one by one`() throws {
        var org = EmulatedOrg(
            access: OrgAccess(clientID: "id", clientSecret: "s", organizationID: "00D", fixedToken: nil), seed: 3,
            now: 0,
            forbidden: [])
        org.limits.set(.publishedEvents, maximum: 10, remaining: 1)
        let event = ProducerEvent(id: "", schemaID: SalesforceSchemas.orderReady.id, payload: [1])
        let results = try org.publish(
            PublishRequest(topicName: "/event/Order_Ready__e", events: [event, event]), now: 1
        ).results
        #expect(results.map { $0.error == nil } == [true, false])
        #expect(results[1].error?.message.hasPrefix("LIMIT_EXCEEDED") == true)
        #expect(results.map(\.correlationKey.isEmpty) == [false, true])
    }
}
