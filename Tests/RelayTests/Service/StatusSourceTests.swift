import Events
import FoundationEssentials
import Rules
import Store
import Testing
import TestSupport

@testable import Relay

@Suite(.timeLimit(.minutes(15))) struct StatusSourceTests {
    @Test func `without a relay the store tells how the last one left it`() async throws {
        let bench = try await LoaderBench(status: 503)
        try await bench.outbox.accept(Make.batch([Make.delivery(1), Make.delivery(2)], cursor: 1))
        try await bench.store.set(
            StreamState(key: Make.key, state: "streaming", detail: "", since: 5, lastReceivedAt: 6, reconnects: 2))
        await bench.outbox.flush()
        await bench.outbox.abandon()
        try bench.store.close()

        let store = try Store(readingPath: bench.scratch.store)
        let report = try await StatusSource(store: store).report()
        #expect(report.relay == nil && !report.isLive && report.rules == nil && report.ruleCounts.isEmpty)
        let topic = try #require(report.topics.first)
        #expect(topic.state == "not running" && topic.reconnects == 2 && topic.cursor?.replayID == "\(Make.replayID(1))")
        let hook = try #require(report.destinations.first { $0.name == "hook" })
        #expect(hook.pending == 2 && hook.live == nil && hook.oldestCommitTime == Make.delivery(1).origin.time)
    }

    @Test func `a running relay adds what only it knows`() async throws {
        let bench = try await LoaderBench()
        bench.monitor.stream(Make.key) { numbers in
            numbers.state = "streaming"
            numbers.received(events: 4, commitTime: 1_000, at: 3_000)
        }
        try await bench.outbox.accept(Make.batch([Make.delivery(1)], cursor: 1))
        while bench.http.requests.isEmpty { await Task.yield() }
        let other = Cursor.Key(org: "prod", topic: "/event/A__e")
        let source = StatusSource(store: bench.store, time: .system) { [bench] in
            LiveStatus(
                version: "1", dispatch: await bench.outbox.status(), rules: await bench.loader.status,
                monitor: bench.monitor, topics: [Make.key, other])
        }
        let report = try await source.report()
        #expect(report.isLive && report.version == "1" && report.rules?.generation == 1)
        let topic = try #require(report.topics.first { $0.topic == Make.key.topic })
        #expect(topic.events == 4 && topic.lagMilliseconds == 2_000 && topic.state == "streaming")
        #expect(report.topics.first { $0.topic == other.topic }?.state == "starting", "a topic without news is there")
        let live = try #require(report.destinations.first { $0.name == "hook" }?.live)
        #expect(live.breaker == "closed")
        #expect(report.ruleCounts.map(\.id) == ["one"])
        let again = try JSONDecoder().decode(StatusReport.self, from: JSONEncoder().encode(report))
        #expect(again.topics.count == 2 && again.rules == report.rules, "it goes over the socket as it is")
        #expect(MetricsPage.text(report, meters: bench.monitor.destinations).contains("sluice_rules_generation 1\n"))
    }
}
