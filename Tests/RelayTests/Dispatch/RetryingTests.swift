import Events
import Synchronization
import Testing

@testable import Relay

/// What `status` says of a receiver that fails at too few deliveries for its breaker to open.
@Suite struct RetryingTests {
    @Test func `lanes that are tried again are told with the last reason and the next try, until they went through`()
        async throws
    {
        let clock = ManualClock()
        let isMended = Atomic<Bool>(false)
        let sink = FakeSink { delivery, _ in
            guard delivery.lane != "well", !isMended.load(ordering: .relaxed) else { return .delivered(.ok) }
            return .retry(delivery.lane == "busy" ? .busy : .down, after: .seconds(delivery.lane == "busy" ? 500 : 900))
        }
        let scratch = Scratch()
        let bench = try await Bench(scratch: scratch, clock: clock, sink: sink)
        let began = clock.wall
        try await bench.outbox.accept(
            Make.batch(["busy", "down", "well"].enumerated().map { Make.delivery($0, lane: $1) }, cursor: 3))
        try await bench.run("two have failed") { await bench.outbox.status().destinations[0].failedAttempts == 2 }
        let retrying = try #require(await bench.outbox.status().destinations[0].retrying)
        #expect(retrying.lanes == 2 && retrying.reason == AttemptNote.busy.reason && retrying.since == began)
        #expect(try #require(retrying.nextTry) >= began + 500_000)
        #expect(retrying.words == "2 lanes are tried again: \(AttemptNote.busy.reason)")
        await bench.outbox.flush()
        try await bench.crash()

        let second = try await Bench(scratch: scratch, clock: clock, sink: sink)
        try await second.run("both are read") { await second.outbox.knownLanes("hook") == 2 }
        #expect(await second.outbox.status().destinations[0].retrying == retrying, "the store knows it as well")
        isMended.store(true, ordering: .relaxed)
        try await second.run("all went through") { await second.outbox.status().destinations[0].pending == 0 }
        #expect(await second.outbox.status().destinations[0].retrying == nil)
    }

    @Test func `a destination with such lanes is not ok, and neither is one with lanes that stand`() async throws {
        func shown(
            retrying: DispatchStatus.Retrying?, paused: DispatchStatus.Paused = .init(),
            hold: DispatchStatus.Hold? = nil
        ) async throws -> StatusReport.Destination {
            let bench = try await LoaderBench()
            var dispatch = await bench.outbox.status()
            dispatch.destinations[0].retrying = retrying
            dispatch.destinations[0].paused = paused
            dispatch.destinations[0].hold = hold
            let source = StatusSource(store: bench.store) { [bench, dispatch] in
                LiveStatus(
                    version: "1", dispatch: dispatch, rules: await bench.loader.status, monitor: bench.monitor,
                    topics: [])
            }
            return try #require(try await source.report().destinations.first)
        }
        let retrying = DispatchStatus.Retrying(lanes: 1, reason: "503", since: 5, nextTry: 9)
        let first = try await shown(retrying: retrying)
        #expect(first.state == "retrying" && first.detail == "1 lane is tried again: 503")
        #expect(first.since == 5 && first.nextTry == 9 && first.live?.retryingLanes == 1)
        let paused = DispatchStatus.Paused(lanes: 1, reason: "422")
        let second = try await shown(retrying: nil, paused: paused)
        #expect(second.state == "paused" && second.detail == "1 lane stands until somebody mends it (422)")
        let third = try await shown(retrying: retrying, paused: paused)
        #expect(third.state == "retrying" && third.detail == "\(first.detail); \(second.detail)")
        let hold = DispatchStatus.Hold(target: nil, reason: "401", since: 1, nextTry: 2)
        #expect(try await shown(retrying: retrying, hold: hold).state == "held", "the whole comes first")
        #expect(try await shown(retrying: nil).state == "ok")
    }
}
