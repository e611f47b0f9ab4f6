import Testing

@testable import Relay

@Suite struct StopGateTests {
    @Test func `a stop waits for changes under way, and lets no other begin`() async {
        let gate = StopGate()
        #expect(gate.enter() && gate.enter() && gate.endsBy == nil)
        let closing = Task {
            await gate.close(endsBy: 7, within: .seconds(600), .system)
            return gate.enter()
        }
        while gate.endsBy == nil { await Task.yield() }
        #expect(!gate.enter())
        gate.leave()
        gate.leave()
        #expect(await !closing.value)
        #expect(gate.endsBy == 7)
    }

    @Test func `a change that does not come to an end is not waited for for ever`() async {
        let gate = StopGate()
        #expect(gate.enter())
        await gate.close(endsBy: 7, within: .milliseconds(1), .system)
        #expect(!gate.enter())
        gate.leave()
    }

    @Test func `only changes are refused`() async throws {
        let gate = StopGate()
        await gate.close(endsBy: .max, within: .zero, .system)
        let (reading, change) = (
            ControlRoute("dlq.list", answer: { _ in [1] }),
            ControlRoute("dlq.drop", isChange: true, answer: { _ in [1] })
        )
        #expect(try await reading.refused(by: gate, underWay: { 1 }, .system).answer([]) == [1])
        let error = await #expect(throws: ControlError.self) {
            _ = try await change.refused(by: gate, underWay: { 1 }, .system).answer([])
        }
        #expect(error?.message.contains("dlq.drop: the relay is stopping: 1 attempt is under way") == true)
    }
}
