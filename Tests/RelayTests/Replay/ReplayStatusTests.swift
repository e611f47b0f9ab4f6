import Events
import Rules
import Store
import Testing

@testable import Relay

/// How `status` and the metrics tell of replays.
@Suite(.timeLimit(.minutes(15))) struct ReplayStatusTests {
    @Test func `a replay is shown until its end, with what it has done by now`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<2_000, size: 90)
        var request = ReplayRequest(.replayID(Make.replayID(499).description))
        // It goes on only as this test lets time pass.
        request.rate = 1_000
        let started: ReplayView = try await bench.ask("replay.start", request)
        try await bench.bench.run("half of it is done") {
            await bench.service.tracker(started.id)?.progress.values.contains { $0.events > 600 } == true
        }
        let source = StatusSource(store: bench.store, time: bench.time.source, replays: bench.service)
        let shown = try #require(try await source.report().replays.first)
        #expect(shown.id == started.id && shown.state == "running" && shown.events > 600)
        let fraction = try #require(shown.fraction)
        #expect(shown.deliveries > 0 && fraction > 0.4 && fraction < 1)
        _ = try await bench.ask("replay.pause", NamedReplay(id: started.id), as: ReplayView.self)
        let paused = try #require(try await StatusSource(store: bench.store).report().replays.first, "without a relay")
        #expect(paused.state == "paused" && paused.detail == "paused by an operator" && paused.events > 600)
        _ = try await bench.ask("replay.resume", NamedReplay(id: started.id), as: ReplayView.self)
        try await bench.ended(started.id)
        #expect(try await source.report().replays.isEmpty)
    }

    @Test func `replays that run are counted, and so are the events that they read`() async throws {
        let bench = try await LoaderBench()
        bench.monitor.replayed(7)
        let source = StatusSource(store: bench.store) { [bench] in
            LiveStatus(
                version: "1", dispatch: await bench.outbox.status(), rules: await bench.loader.status,
                monitor: bench.monitor, topics: [])
        }
        let page = MetricsPage.text(try await source.report(), meters: [:])
        for line in ["sluice_replays_running 0", "sluice_backfills_running 0", "sluice_replay_events_total 7"] {
            #expect(page.contains(line + "\n"))
        }
    }

    @Test func `deliveries of replays and backfills are apart from those of the events that rules matched`() throws {
        let monitor = RelayMonitor()
        monitor.rules.retain(["orders"])
        let live = Make.delivery(1)
        var replayed = live
        replayed.id = ReplayedDelivery.id(live.id, of: "rp00c0ffee")
        var snapshot = live
        snapshot.origin.replayID = try #require(ReplayID(Array("bf00c0ffee".utf8) + [UInt8](repeating: 1, count: 8)))
        for delivery in [live, replayed, snapshot] {
            monitor.attempted(delivery, number: 1, outcome: .retry(.busy, after: nil), milliseconds: 1, at: Moment(uptime: 0, wall: 1))
            monitor.attempted(delivery, number: 2, outcome: .delivered(.ok), milliseconds: 1, at: Moment(uptime: 0, wall: 1))
        }
        let counts = try #require(monitor.rules.snapshot["orders"])
        #expect(counts.delivered == 1 && counts.failedAttempts == 1 && counts.replayed == 2)
    }
}
