import Events
import Synchronization
import Testing

@testable import Rules

@Suite struct RuleSetDiffTests {
    static let won = Fixture.change(
        .update, changed: ["Name", "Amount"], ["Name": "Acme", "Amount": .double(12), "Rating": "Hot"])

    private func rules(_ body: String, match: String = "entity: Account, change: [update]", more: String = "") throws
        -> RuleSet
    {
        try Fixture.ruleSet("- {id: one, match: {\(match)}, \(more) to: {destination: hook, body: \(body)}}")
    }

    private func diff(_ before: RuleSet, _ after: RuleSet, _ events: [Event] = [Self.won]) -> RuleSetDiffReport {
        var diff = RuleSetDiff(before: before, after: after) { .zero }
        for event in events { diff.add(event) }
        return diff.report
    }

    @Test func `the same rules make no difference`() throws {
        let rules = try rules(#"{name: "${record.Name}"}"#)
        let report = diff(rules, rules)
        #expect(!report.hasDifference)
        #expect(report.unchanged == 1)
        #expect(report.groups.isEmpty)
        #expect(report.rules["one"]?.before == report.rules["one"]?.after)
        #expect(report.rules["one"]?.after.matched == 1)
    }

    @Test func `a changed body shows the first path that differs, with both values`() throws {
        let report = diff(
            try rules(#"{name: "${record.Name}", deal: {amount: "${record.Amount}", cur: EUR}}"#),
            try rules(#"{name: "${record.Name}", deal: {amount: "${record.Amount * 2.0}", cur: USD}}"#))
        let group = try #require(report.groups.first)
        #expect(report.count(.changed) == 1 && report.groups.count == 1)
        #expect(group.kind == .changed && group.path == "body.deal.amount")
        #expect(group.samples.first?.old == "12" && group.samples.first?.new == "24")
        #expect(group.samples.first?.recordID == "001000000000001AAA")
    }

    @Test(arguments: ["before", "after"])
    func `shows no more of what the relay has than the rule does, in either set`(hidden: String) throws {
        let before = try rules(#"{name: "${record.Name}"}"#, more: hidden == "before" ? "bodies: redacted," : "")
        let after = try rules(#"{name: "Acme & Sons"}"#, more: hidden == "after" ? "bodies: redacted," : "")
        var diff = RuleSetDiff(before: before, after: after, limitsBodies: true) { .zero }
        diff.add(Self.won)
        let sample = try #require(diff.report.groups.first?.samples.first)
        #expect(diff.report.groups.first?.path == "body.name")
        #expect(sample.old == #""<text of 4>""# && sample.new == #""<text of 11>""#)
        #expect(self.diff(before, after).groups.first?.samples.first?.old == #""Acme""#, "of a file that somebody gave")
    }

    @Test func `a key that comes or goes is a difference of the body`() throws {
        let report = diff(try rules("{a: 1}"), try rules("{a: 1, b: [x]}"))
        #expect(report.groups.first?.path == "body.b")
        #expect(report.groups.first?.samples.first?.old == "nothing")
        #expect(report.groups.first?.samples.first?.new == #"["x"]"#)
    }

    @Test func `deliveries of a rule that matches more or less are added and removed`() throws {
        let (hot, cold) = (
            try rules("{}", more: "when: record.Rating == 'Hot',"),
            try rules("{}", more: "when: record.Rating == 'Cold',")
        )
        #expect(diff(cold, hot).count(.added) == 1)
        let report = diff(hot, cold)
        #expect(report.count(.removed) == 1 && report.count(.added) == 0)
        #expect(report.rules["one"]?.before.matched == 1 && report.rules["one"]?.after.matched == 0)
    }

    @Test func `a renamed rule takes its deliveries away and makes new ones`() throws {
        let report = diff(
            try rules("{}"),
            try Fixture.ruleSet(
                "- {id: two, match: {entity: Account, change: [update]}, to: {destination: hook, body: {}}}"))
        #expect(report.count(.added) == 1 && report.count(.removed) == 1)
        #expect(report.newRules == ["two"] && report.goneRules == ["one"])
    }

    @Test func `a request that cannot be built any more is failing`() throws {
        let report = diff(try rules("{}"), try rules(#"{x: "${record.Phone}"}"#))
        #expect(report.count(.failing) == 1 && report.count(.removed) == 0)
        #expect(report.groups.first?.samples.first?.new.contains("absent") == true)
        #expect(report.rules["one"]?.after.failures == 1)
    }

    @Test func `unknown and fault are counted for each set`() throws {
        let report = diff(
            try rules("{}", more: "when: size(record.Phone) > 3,"),
            try rules("{}", more: #"when: "timestamp(record.Name) == now","#))
        #expect(report.rules["one"]?.before.unknown == 1 && report.rules["one"]?.after.fault == 1)
        #expect(!report.hasDifference)
    }

    @Test func `what a rule would do after reading is left open`() throws {
        let plain = try rules("{}")
        let reading = try rules("{}", more: "needs: {fields: [Phone], missing: fetch},")
        for report in [diff(plain, reading), diff(reading, plain)] {
            #expect(report.needReading == 1)
            #expect(!report.hasDifference, "\(report.counts)")
        }
        #expect(diff(plain, reading).rules["one"]?.after.needsReading == 1)
    }

    @Test func `a rule that reads does not hide what others do`() throws {
        let other = "- {id: two, match: {entity: Account, change: [update]}, to: {destination: hook, body: {v: %}}}"
        let reader = """
            - {id: one, match: {entity: Account, change: [update]}, needs: {fields: [Phone], missing: fetch},
               to: {destination: hook, body: {}}}
            """
        let sets = try ["1", "2"].map { try Fixture.ruleSet(reader + "\n" + other.replacing("%", with: $0)) }
        let report = diff(sets[0], sets[1])
        #expect(report.count(.changed) == 1 && report.groups.first?.rule == "two")
    }

    @Test func `a flow that must be looked up is left open`() throws {
        let fan = try Fixture.ruleSet(
            """
            - {id: one, match: {entity: Account, change: [update], ignore: {}},
               to: {destination: flowmate, fanOut: {user: "${header.commitUser}"}, data: {}}}
            """)
        let report = diff(RuleSet.empty, fan)
        #expect(report.needReading == 1 && report.count(.added) == 0)
        #expect(report.rules["one"]?.after.needsReading == 1)
    }

    @Test func `gathered deliveries are compared as they would be sent`() throws {
        func gathered(_ body: String, quiet: String = "10s") throws -> RuleSet {
            try Fixture.ruleSet(
                """
                - {id: one, match: {entity: Account, change: [update]},
                   to: {destination: hook, coalesce: {quiet: \(quiet)}, body: \(body)}}
                """)
        }
        let first = try gathered(#"{n: "${batch.count}"}"#)
        #expect(diff(first, try gathered(#"{n: "${batch.count + 1}"}"#)).groups.first?.path == "body.n")
        #expect(
            diff(first, try gathered(#"{n: "${batch.count}"}"#, quiet: "20s")).groups.first?.path == "coalesce.quiet")
        #expect(!diff(first, first).hasDifference)
    }

    @Test func `another method, header, path or key is told before the body`() throws {
        func set(_ keys: String) throws -> RuleSet {
            try Fixture.ruleSet(
                "- {id: one, match: {entity: Account, change: [update]}, to: {destination: hook, \(keys) body: {}}}")
        }
        let plain = try set("")
        for (keys, path) in [
            ("method: PUT,", "method"), ("path: /x,", "path"), ("headers: {X-A: b},", "headers.X-A"),
            ("key: all,", "key"), ("onError: drop,", "onError"), ("retry: {for: 1h},", "retry.for"),
        ] { #expect(diff(plain, try set(keys)).groups.first?.path == path) }
    }

    @Test func `a rule that leaves shadow mode is added to what is sent`() throws {
        let (shadow, live) = (try rules("{}", more: "mode: shadow,"), try rules("{}"))
        let report = diff(shadow, live)
        #expect(report.groups.map(\.isShadow) == [false, true])
        #expect(report.groups.map(\.kind) == [.added, .removed])
        #expect(report.rules["one"]?.before.shadows == 1 && report.rules["one"]?.after.deliveries == 1)
    }

    @Test func `destinations that say something else are named`() throws {
        func destinations(_ url: String, more: String = "") -> [String: Destination] {
            let text = "sluice: 1\ndestinations: {hook: {kind: webhook, url: '\(url)'}\(more)}"
            return Lint.check([RuleSource(path: "d.yaml", bytes: Array(text.utf8))]).ruleSet?.destinations ?? [:]
        }
        let changes = DestinationChanges(
            before: destinations("https://a.example.com"),
            after: destinations("https://b.example.com", more: ", more: {kind: webhook, url: 'https://c.example.com'}"))
        #expect(changes.changed == ["hook"] && changes.added == ["more"] && changes.removed.isEmpty)
    }

    @Test func `however many events differ, only some are kept`() throws {
        let (before, after) = (try rules("{a: 1}"), try rules("{a: 2}"))
        let report = diff(before, after, (0..<50).map { _ in Self.won })
        #expect(report.count(.changed) == 50 && report.groups.count == 1)
        #expect(report.groups.first?.samples.count == RuleSetDiffReport.maximumSamples)
        #expect(RuleSetDiffText(report).text(showsAll: false).contains("and 45 more"))
    }

    @Test func `the text tells counts, differences and times`() throws {
        let text = RuleSetDiffText(diff(try rules("{a: 1}"), try rules("{a: 2, b: 3}"))).text(showsAll: true)
        #expect(
            text == """
                1 event; deliveries: 0 added, 0 removed, 1 changed, 0 failing, 0 the same

                rule  matched  deliveries
                one   1        1

                ~ one → hook: 1 changed in body.a
                    Account update 001000000000001AAA, 2026-11-22T03:00:30Z, replay ID AAAAAAABAgM=
                      1 → 2

                the edited rules take 0 ns per event (median), 0 ns (p99), 0 ns at worst (replay ID AAAAAAABAgM=)

                """)
    }

    @Test func `the new set alone is timed`() throws {
        let rules = try rules("{}")
        let clock = Mutex(0)
        var diff = RuleSetDiff(before: rules, after: rules) {
            .milliseconds(
                clock.withLock { now in
                    defer { now += 3 }
                    return now
                })
        }
        diff.add(Self.won)
        #expect(diff.report.latency.worst?.took == .milliseconds(3))
    }

    @Test func `a set knows the files that it was made from`() throws {
        let sources = [RuleSource(path: "a.yaml", bytes: Array("sluice: 1\n".utf8))]
        let set = try #require(Lint.check(sources).ruleSet)
        #expect(set.isMade(of: sources))
        #expect(!set.isMade(of: [RuleSource(path: "b.yaml", bytes: sources[0].bytes)]))
    }
}

@Suite struct LatencySampleTests {
    private func sample(_ nanoseconds: some Sequence<Int>) -> LatencySample {
        var sample = LatencySample()
        for number in nanoseconds { sample.add(.nanoseconds(number), of: Fixture.platform("A__e")) }
        return sample
    }

    @Test func `percentiles are within a sixteenth of the truth`() {
        let sample = sample(1...100_000)
        for (share, truth) in [(0.5, 50_000.0), (0.99, 99_000)] {
            let found = Double(sample.percentile(share).components.attoseconds) / 1e9
            #expect(found >= truth && found <= truth * 17 / 16, "\(share): \(found)")
        }
        #expect(sample.worst?.took == .nanoseconds(100_000))
    }

    @Test func `the median of one is that one`() {
        for number in [0, 1, 15, 16, 17, 1_000_000_007] {
            #expect(sample([number]).percentile(0.5) == .nanoseconds(number))
        }
        #expect(LatencySample().percentile(0.5) == .zero)
    }
}
