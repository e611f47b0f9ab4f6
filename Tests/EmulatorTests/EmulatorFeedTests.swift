import Events
import Testing

@testable import Emulator

@Suite struct EmulatorFeedTests {
    @Test func `the same seed gives the same feed`() {
        var left = EmulatorFeed(seed: 3)
        var right = EmulatorFeed(seed: 3)
        for index in 0..<200 { #expect(left.next(now: Int64(index)) == right.next(now: Int64(index))) }
    }

    @Test(arguments: [1, 2, 99] as [UInt64])
    func `every change fits its schema, and all kinds occur`(seed: UInt64) throws {
        var feed = EmulatorFeed(seed: seed)
        var kinds: Set<String> = []
        var merged = 0
        for index in 0..<3000 {
            for change in feed.next(now: 1_790_000_000_000 + Int64(index)) {
                try EmulatedOrg.validate(change)
                let isPlatform = change.recordIDs.isEmpty
                kinds.insert(isPlatform ? change.entity : "\(change.entity) \(change.change.symbol)")
                if change.recordIDs.count > 1 { merged += 1 }
            }
        }
        #expect(merged > 0)
        #expect(
            kinds == [
                "Account CREATE", "Account UPDATE", "Opportunity CREATE", "Opportunity UPDATE", "Order_Ready__e",
                "sfy24__ProductionOrder__c CREATE", "sfy24__ProductionOrder__c UPDATE",
                "sfy24__ProductionOrder__c DELETE", "sfy24__ProductionOrder__c GAP_UPDATE",
            ])
    }

    @Test func `IDs have 18 characters with the right check`() {
        #expect(SalesforceID.eighteen("001Dp00000JJkkH") == "001Dp00000JJkkHIAT")
        #expect(SalesforceID.make(prefix: "001", number: 63).count == 18)
        #expect(SalesforceID.make(prefix: "001", number: 62) != SalesforceID.make(prefix: "001", number: 63))
    }

    @Test func `UUIDs look like UUIDs`() {
        var random = SeededRandom(seed: 1)
        let uuid = random.uuid()
        #expect(uuid.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
        #expect(Array(uuid)[14] == "4")
    }
}
