import Events
import Testing

@testable import Relay

@Suite struct RecentDeliveriesTests {
    @Test func `the memory is bounded, and gives what is left in order`() {
        let recent = RecentDeliveries(limit: 4)
        for number in 1...6 { recent.add(attempt(number, of: number % 2)) }
        #expect(recent.attempts(of: Make.replayID(1)).map(\.number) == [3, 5])
        #expect(recent.attempts(of: Make.replayID(0)).map(\.number) == [4, 6])
    }

    private func attempt(_ number: Int, of event: Int) -> RecentDeliveries.Attempt {
        RecentDeliveries.Attempt(
            id: "sl_\(number)", rule: "r", destination: "hook", topic: "/data/A", replayID: Make.replayID(event),
            number: number, at: 0, milliseconds: 1, outcome: .delivered, status: 200, reason: "ok")
    }
}
