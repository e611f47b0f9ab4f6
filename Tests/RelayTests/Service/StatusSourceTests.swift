import Events
import FoundationEssentials
import Rules
import Store
import Testing
import TestSupport

@testable import IntegratorIO
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
        #expect(try #require(topic.lagMilliseconds) > 0, "it grows while nobody receives")
        #expect(topic.state == "not running" && topic.reconnects == 2 && topic.cursor?.replayID == "\(Make.replayID(1))")
        let hook = try #require(report.destinations.first { $0.name == "hook" })
        #expect(hook.pending == 2 && hook.live == nil && hook.oldestCommitTime == Make.delivery(1).origin.time)
    }

    @Test func `a destination that is gone is missing, whether it left before the relay started or without one`() async throws {
        let bench = try await LoaderBench()
        func letter(_ number: Int, _ destination: String, rule: String) -> DeadLetter {
            var delivery = Make.delivery(number)
            (delivery.destination, delivery.rule) = (destination, rule)
            return DeadLetter(delivery: delivery, reason: .rejected, detail: "no", diedAt: 5)
        }
        var group = CommitGroup()
        group.deadLetters = [
            letter(1, "moved", rule: "one"), letter(2, "left", rule: "old"), letter(3, "both", rule: "one"),
            letter(4, "both", rule: "old"), letter(5, "hook", rule: "old"),
        ]
        try await bench.store.commit(group, wall: 0)
        let source = StatusSource(store: bench.store) { [bench] in
            LiveStatus(
                version: "1", dispatch: await bench.outbox.status(), rules: await bench.loader.status,
                monitor: bench.monitor, topics: [])
        }
        let files = try Lint.check(paths: [bench.files.rules]).ruleSet
        for report in [try await source.report(), try await StatusSource(store: bench.store, files: files).report()] {
            let found = Dictionary(uniqueKeysWithValues: report.destinations.map { ($0.name, $0) })
            #expect(found["hook"]?.state == "ok")
            #expect(["moved", "left", "both"].allSatisfy { found[$0]?.state == "missing" })
            let retry = "--render --destination moved` sends its dead letters where today's rules do"
            #expect(found["moved"]?.detail.hasSuffix(retry) == true)
            let gone = "rule old of its dead letters is gone as well: bring back what they need, or `sluice dlq drop"
            #expect(found["left"]?.detail.contains(gone) == true && found["left"]?.detail.contains("retry") == false)
            #expect(found["both"]?.detail.hasSuffix("do, except those of rule old, gone as well") == true)
        }
    }

    @Test func `the answer of an older relay is understood, and what it does not tell is empty`() throws {
        // As 0.1.0 answered, before runs, backfills and the rest were there.
        let old = """
            {"at":1790000000000,"relay":"sluice run, process 7","isLive":true,"version":"0.1.0",
             "startedAt":1789999990000,
             "rules":{"generation":1,"hash":"ab","loadedAt":1789999990000,"rules":1,"destinations":1,"failures":0},
             "topics":[{"org":"prod","topic":"/data/A","state":"streaming","detail":"","since":1789999991000,
               "reconnects":0,"events":4,"quarantined":0,"gaps":{}}],
             "destinations":[{"name":"hook","pending":2,"deadLetters":0,"state":"ok","detail":"",
               "live":{"breaker":"closed","inFlight":0,"concurrency":8,"isAdaptive":false,"blockedLanes":0,
                 "pausedLanes":0,"rate":0,"delivered":4,"failedAttempts":0,"died":0,"dropped":0,"attempts":{}}}],
             "ruleCounts":[],"quarantined":0,"statements":[],"isBackedUp":false,"deliveryUse":{},
             "somethingThatWentAway":[1]}
            """
        let report = try JSONDecoder().decode(StatusReport.self, from: Data(old.utf8))
        #expect(report.isLive && report.topics.first?.events == 4 && report.destinations.first?.live?.delivered == 4)
        #expect(report.backfills.isEmpty && report.reading.isEmpty && report.topics.first?.possibleGaps == 0)
        #expect(report.destinations.first?.runs.isEmpty == true && report.destinations.first?.listeners.isEmpty == true)
    }

    @Test func `a paused flow holds its destination, and says why`() {
        var report = StatusReport(
            at: 9, isLive: true, topics: [], destinations: [], ruleCounts: [], quarantined: 0, statements: [],
            isBackedUp: false, deliveryUse: [:])
        report.destinations = [StatusReport.Destination(name: "io", pending: 1, deadLetters: 0, state: "ok", detail: "")]
        let run = FlowRunStatus(
            flow: "f", phase: .gathering(until: 700), waiting: 1, claimed: 0, failures: 0, since: nil, covered: nil,
            pausedFor: "flow f cannot run: it is disabled", failingSince: 5, notice: "")
        var well = run
        well.pausedFor = nil
        report.add(["io": PlatformStatus(runs: [well, run])])
        let io = report.destinations[0]
        #expect(io.state == "held" && io.detail == "flow f cannot run: it is disabled")
        #expect(io.since == 5 && io.nextTry == 700)
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
        let labels = ["one": RuleLabel.labels(Fields([.init(name: "team", value: .string("a \"b\""))]))]
        let page = MetricsPage.text(report, meters: bench.monitor.destinations, labels: labels)
        #expect(page.contains("sluice_rules_generation 1\n"))
        #expect(page.contains(#"sluice_rule_info{rule="one",label_team="a \"b\""} 1"# + "\n"), "\(page)")
    }
}
