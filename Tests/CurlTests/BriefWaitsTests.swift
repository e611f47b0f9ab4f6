import Testing

@testable import Curl

struct BriefWaitsTests {
    private static let short: UInt64 = 80_000
    private static let long: UInt64 = 2_000_000

    @Test func `the first waits and long ones are slept through`() {
        var waits = BriefWaits(processors: 2)
        #expect(!waits.isWorthwhile)
        waits.slept(Self.long)
        #expect(!waits.isWorthwhile)
        waits.slept(Self.short)
        #expect(waits.isWorthwhile)
        waits.slept(Self.long)
        #expect(!waits.isWorthwhile)
    }

    @Test func `as long as it pays it goes on`() {
        var waits = BriefWaits(processors: 2)
        waits.slept(Self.short)
        for _ in 0..<1000 {
            #expect(waits.isWorthwhile)
            waits.looked(inTime: true)
        }
    }

    @Test func `with one processor nothing would come`() {
        var waits = BriefWaits(processors: 1)
        waits.slept(Self.short)
        #expect(!waits.isWorthwhile)
    }

    /// Sleeps that are brief only because of what it cannot see coming: a look now and then, ever more seldom.
    @Test func `in vain it costs little`() {
        var waits = BriefWaits(processors: 2), looks = 0
        for _ in 0..<10_000 {
            waits.slept(Self.short)
            guard waits.isWorthwhile else { continue }
            looks += 1
            waits.looked(inTime: false)
        }
        #expect((10...60).contains(looks))
    }

    @Test func `after a bad time it is soon at it again`() {
        var waits = BriefWaits(processors: 2)
        for _ in 0..<10_000 {
            waits.slept(Self.short)
            if waits.isWorthwhile { waits.looked(inTime: false) }
        }
        var sleeps = 0
        while sleeps < BriefWaits.maximumPause, !waits.isWorthwhile {
            waits.slept(Self.short)
            sleeps += 1
        }
        #expect(waits.isWorthwhile)
        for _ in 0..<10 { waits.looked(inTime: true) }
        waits.looked(inTime: false)
        waits.slept(Self.short)
        #expect(waits.isWorthwhile)
    }
}
