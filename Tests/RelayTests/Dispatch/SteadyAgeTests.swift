import Events
import Testing

@testable import Relay

@Suite struct SteadyAgeTests {
    private static let day: Int64 = 86_400_000
    private let ages = SteadyAge(since: Moment(uptime: 1_000, wall: 1_000_000))

    @Test func `a clock that nobody sets tells the age`() {
        #expect(ages.age(of: 1_005_000, at: Moment(uptime: 11_000, wall: 1_010_000)) == 5_000)
        // From an earlier life of the process.
        #expect(ages.age(of: 400_000, at: Moment(uptime: 11_000, wall: 1_010_000)) == 610_000)
    }

    @Test func `a clock that is set ahead makes nothing older, and what comes then is counted by it`() {
        let now = Moment(uptime: 11_000, wall: 1_010_000 + Self.day)
        #expect(ages.age(of: 1_005_000, at: now) == 5_000)
        #expect(ages.age(of: 1_009_000 + Self.day, at: now) == 1_000)
    }

    @Test func `a clock that is set back makes nothing younger than new`() {
        let now = Moment(uptime: 11_000, wall: 1_010_000 - Self.day)
        #expect(ages.age(of: 1_005_000, at: now) == 0)
        #expect(ages.age(of: 1_009_000 - Self.day, at: now) == 1_000)
    }
}
