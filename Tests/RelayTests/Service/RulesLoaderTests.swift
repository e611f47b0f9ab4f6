import Events
import FoundationEssentials
import Glibc
import Rules
import Store
import Synchronization
import Testing
import TestSupport

@testable import Relay

/// Reloading over real files, a real store and outbox. Nothing is sent anywhere: the receiver is a script.
@Suite(.timeLimit(.minutes(15))) struct RulesLoaderTests {
    // MARK: What is refused beside the rules

    @Test func `a broken secrets file is told, and so is a destination that alerts need`() async throws {
        let problem = Mutex<String?>("/x/.env:4:1: this is not NAME=value.")
        let bench = try await LoaderBench(problem: { problem.withLock { $0 } }, alerts: "hook")
        try bench.files.write("a.yaml", LoaderBench.rules(["two"]))
        let first = try #require(await bench.loader.reload())
        #expect(first.outcome == .refused && first.text.contains(".env:4:1"))
        problem.withLock { $0 = nil }
        try bench.files.write("a.yaml", LoaderBench.rules(["two"], destination: "other"))
        let second = try #require(await bench.loader.reload())
        #expect(second.outcome == .refused && second.text.contains("alerts"))
        try bench.files.write("a.yaml", LoaderBench.rules(["two"]))
        #expect(await bench.loader.reload()?.outcome == .loaded)
    }

    @Test func `the last file that goes away leaves the rules in force`() async throws {
        let bench = try await LoaderBench()
        unlink(bench.files.rules + "/a.yaml")
        let answer = try #require(await bench.loader.reload())
        #expect(answer.outcome == .refused && answer.text.contains("holds no rule files"))
        #expect(bench.current.current.ruleIDs == ["one"])
    }

    // MARK: What comes into force

    @Test func `an edit is in force as the next generation, with its counts`() async throws {
        let bench = try await LoaderBench()
        try bench.files.write("a.yaml", LoaderBench.rules(["one", "two"]))
        let answer = try #require(await bench.loader.reload())
        #expect(answer.outcome == .loaded && answer.status.generation == 2)
        #expect(answer.rulesAdded == 1 && answer.rulesRemoved == 0 && answer.status.rules == 2)
        #expect(bench.current.current.ruleIDs == ["one", "two"])
        #expect(answer.status.hash == bench.current.current.hash)
        #expect(bench.lines.all.contains { $0.contains("notice: rules reloaded: generation 2") })
    }

    @Test func `files without a change stay the same generation`() async throws {
        let bench = try await LoaderBench()
        let answer = try #require(await bench.loader.reload())
        #expect(answer.outcome == .unchanged && answer.status.generation == 1)
        #expect(await bench.loader.reload(onlyIfEdited: true) == nil)
        try bench.files.write("note.txt", "no rules")
        #expect(await bench.loader.reload(onlyIfEdited: true) == nil, "other files are no edit")
    }

    @Test func `a broken edit changes nothing but the banner, and mending it takes the banner away`() async throws {
        let bench = try await LoaderBench()
        let before = bench.current.current.hash
        try bench.files.write("a.yaml", LoaderBench.rules(["one"]).replacing("match", with: "mach"))
        let refused = try #require(await bench.loader.reload())
        #expect(refused.outcome == .refused && refused.text.contains("'mach' is not a key"))
        #expect(refused.status.generation == 1 && refused.status.failures == 1)
        #expect(await bench.loader.status.broken?.errors ?? 0 >= 1)
        #expect(bench.current.current.hash == before)
        #expect(bench.lines.all.contains { $0.hasPrefix("error:") && $0.contains("a.yaml") })
        try bench.files.write("a.yaml", LoaderBench.rules(["one"]))
        let mended = try #require(await bench.loader.reload())
        #expect(mended.outcome == .unchanged && mended.status.broken == nil && mended.status.failures == 1)
    }

    @Test func `a destination without its secret is a broken edit`() async throws {
        let bench = try await LoaderBench()
        try bench.files.write("a.yaml", LoaderBench.rules(["one"], auth: "{bearer: {env: NOT_SET}}"))
        let answer = try #require(await bench.loader.reload())
        #expect(answer.outcome == .refused && answer.text.contains("NOT_SET"))
        #expect(await bench.loader.status.generation == 1)
    }

    @Test func `a folder that cannot be read is a broken edit too`() async throws {
        let bench = try await LoaderBench()
        try FileManager.default.removeItem(atPath: bench.files.rules)
        let answer = try #require(await bench.loader.reload())
        #expect(answer.outcome == .refused && answer.text.contains("cannot read rules"))
    }

    @Test func `a sub-folder that cannot be listed is a broken edit, and its rules stay in force`() async throws {
        let bench = try await LoaderBench()
        let deep = bench.files.rules + String(repeating: "/d", count: 17)
        try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
        let before = bench.current.current.hash
        let answer = try #require(await bench.loader.reload())
        #expect(answer.outcome == .refused && answer.text.contains("more than 16 folders deep"))
        #expect(await bench.loader.status.broken != nil && bench.current.current.hash == before)
        try FileManager.default.removeItem(atPath: bench.files.rules + "/d")
        #expect(await bench.loader.reload()?.status.broken == nil)
    }

    // MARK: Destinations

    @Test func `only destinations that changed are made anew, by definition or by secret`() async throws {
        let bench = try await LoaderBench()
        try bench.files.write("a.yaml", LoaderBench.rules(["one"], auth: "{bearer: {file: token}}"))
        try bench.files.write("token", "first")
        #expect(await bench.loader.reload()?.destinationsChanged == ["hook"])
        try bench.files.write("a.yaml", LoaderBench.rules(["one", "two"], auth: "{bearer: {file: token}}"))
        let answer = try #require(await bench.loader.reload())
        #expect(answer.outcome == .loaded && answer.destinationsChanged.isEmpty && answer.destinationsAdded.isEmpty)
        try bench.files.write("token", "second")
        #expect(await bench.loader.reload()?.destinationsChanged == ["hook"], "a renewed secret is a change")
    }

    @Test func `what waits for a destination that is gone is kept as it was rendered, shown, and goes on when it is back`()
        async throws
    {
        let bench = try await LoaderBench(status: 503)
        try await bench.outbox.accept(Make.batch([Make.delivery(1)], cursor: 1))
        while bench.http.requests.isEmpty { await Task.yield() }
        try bench.files.write("a.yaml", LoaderBench.rules(["one"], destination: "other"))
        let answer = try #require(await bench.loader.reload())
        #expect(answer.destinationsAdded == ["other"] && answer.destinationsRemoved == ["hook"])
        let held = try #require(await bench.outbox.status().destinations.first { $0.name == "hook" })
        #expect(held.isMissing && held.pending == 1)
        try bench.files.write("a.yaml", LoaderBench.rules(["one", "two"], destination: "other"))
        await bench.loader.reload()
        let told = bench.lines.all.filter { $0.contains("no rule file names the destination hook") }
        #expect(told.count == 1, "once, not with each reload and twice: \(told)")
        bench.http.answerWith(200)
        try bench.files.write("a.yaml", LoaderBench.rules(["one"]))
        await bench.loader.reload()
        while await bench.outbox.status().destinations.first(where: { $0.name == "hook" })?.pending != 0 {
            await Task.yield()
        }
        #expect(Set(bench.http.requests.map(\.body)) == [Make.delivery(1).body], "the body is the one first rendered")
    }

    // MARK: Counting

    @Test func `counters of rules that stay go on, those of rules that are gone are forgotten`() async throws {
        let bench = try await LoaderBench()
        try bench.files.write("a.yaml", LoaderBench.rules(["one", "two"]))
        await bench.loader.reload()
        var result = RoutingResult()
        result.outcomes = [RuleOutcome(rule: "one", kind: .matched), RuleOutcome(rule: "two", kind: .needsMissing)]
        bench.monitor.rules.routed(result)
        try bench.files.write("a.yaml", LoaderBench.rules(["one", "three"]))
        await bench.loader.reload()
        bench.monitor.rules.routed(result)
        let counts = bench.monitor.rules.snapshot
        #expect(counts["one"]?.count(.matched) == 2)
        #expect(counts["two"] == nil && counts["three"] == RuleCounters.Counts())
    }

    // MARK: Watching

    @Test func `an edit comes into force by itself once the files are quiet`() async throws {
        let bench = try await LoaderBench()
        let watch = RulesWatch(
            watch: try FolderWatch([bench.files.rules]), secretsFile: nil, loader: bench.loader, time: .system, log: bench.lines.logger)
        let running = Task { await watch.run() }
        // An editor's way: beside it, then over it.
        try bench.files.write(".a.yaml.swp", "junk")
        try bench.files.write("a.yaml~", LoaderBench.rules(["one", "two"]))
        rename(bench.files.rules + "/a.yaml~", bench.files.rules + "/a.yaml")
        while bench.current.current.ruleIDs != ["one", "two"] { try await Task.sleep(for: .milliseconds(5)) }
        try bench.files.write("b.yaml", "broken: [")
        while await bench.loader.status.broken == nil { try await Task.sleep(for: .milliseconds(5)) }
        #expect(bench.current.current.ruleIDs == ["one", "two"])
        try FileManager.default.removeItem(atPath: bench.files.rules + "/b.yaml")
        while await bench.loader.status.broken != nil { try await Task.sleep(for: .milliseconds(5)) }
        running.cancel()
        await running.value
    }
}
