import Events
import Testing

@testable import Rules

@Suite struct RoutingTests {
    private func body(_ template: String, _ event: Event = Fixture.change(.create), vars: String = "{}") throws
        -> [String]
    {
        let indented = template.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n        ")
        let set = try Fixture.ruleSet(
            """
            - id: one
              labels: {team: sales}
              match: {entity: Account, change: [create, update, delete]}
              to:
                destination: hook
                body:
                    \(indented)
            """, vars: vars)
        return set.bodies(event)
    }

    // MARK: The three states

    @Test func `leaves absent fields out, writes null as null, and keeps the order of the file`() throws {
        let event = Fixture.change(
            .update, changed: ["MailingAddress.City"], nulled: ["Phone"],
            ["Phone": .null, "MailingAddress": .record(["City": "Ghent"])])
        #expect(
            try body(
                """
                contactId: ${recordId}
                email: ${record.?Email}
                phone: ${record.?Phone}
                city: ${record.?MailingAddress.?City}
                street: ${record.?MailingAddress.?Street}
                list: [1, "${record.?Email}", "${record.?Phone}", 2]
                change: ${event.change}
                """, event) == [
                    #"{"contactId":"001000000000001AAA","phone":null,"city":"Ghent","#
                        + #""list":[1,null,2],"change":"update"}"#
                ])
    }

    @Test func `leaves out what is below a field that is null`() throws {
        let event = Fixture.change(.create, ["MailingAddress": .null])
        #expect(try body("city: ${record.?MailingAddress.?City}", event) == ["{}"])
    }

    @Test func `fails the delivery, and only it, when a plain field is absent`() throws {
        let set = try Fixture.ruleSet(
            """
            - id: one
              match: {entity: Account, change: update}
              to:
                - destination: hook
                  onError: pause
                  body:
                    name: ${record.Name}
                - destination: hook
                  body: 2
            """)
        let result = set.route(Fixture.change(.update))
        #expect(result.deliveries.map { String(decoding: $0.body, as: UTF8.self) } == ["2"])
        let failure = try #require(result.failures.first)
        #expect(failure.description == "rules.yaml:18:24: 'Name' is absent: the event does not tell it")
        #expect(failure.deliveryIndex == 0 && failure.onError == .pause && failure.rule == "one")
        #expect(result.outcomes.map(\.kind) == [.matched])
    }

    @Test func `requires the part of a path before the question mark`() throws {
        let set = try Fixture.rule(match: "entity: Account, change: update", body: "{c: \"${record.A.?B}\"}")
        #expect(set.route(Fixture.change(.update)).failures.count == 1)
        #expect(set.bodies(Fixture.change(.update, ["A": .record([:])])) == ["{}"])
        #expect(set.bodies(Fixture.change(.update, ["A": .record(["B": .int(1)])])) == [#"{"c":1}"#])
    }

    // MARK: Values

    @Test func `keeps the type of a value that stands alone and writes it as JSON`() throws {
        let event = Fixture.change(
            .create,
            [
                "I": .int(9_007_199_254_740_993), "D": .double(120_000), "E": .double(0.1), "B": .bool(false),
                "S": "a\"\\\n\u{1}é€", "T": .timestamp(Fixture.time + 5), "X": .bytes([1, 2, 255]),
                "L": .list([.int(1), .null]), "R": .record(["b": .int(2), "a": "x"]),
            ])
        #expect(
            try body(
                """
                i: ${record.I}
                d: ${ record.D }
                e: '  ${record.E}  '
                b: ${record.B}
                s: ${record.S}
                t: ${record.T}
                x: ${record.X}
                l: ${record.L}
                r: ${record.R}
                """, event) == [
                    #"{"i":9007199254740993,"d":120000,"e":0.1,"b":false,"s":"a\"\\\n\u0001é€","#
                        + #""t":"2026-11-22T03:00:30.005Z","x":"AQL/","l":[1,null],"r":{"b":2,"a":"x"}}"#
                ])
    }

    @Test func `writes constants by the core schema, and quoted ones as text`() throws {
        #expect(
            try body("[no, on, 12:30:45, 1_000, 2026-11-22, true, ~, 12, 0x1F, 1.5, 1e3, '12', \"true\", -0.0, [], {}]")
                == [#"["no","on","12:30:45","1_000","2026-11-22",true,null,12,31,1.5,1000,"12","true",-0.0,[],{}]"#])
    }

    @Test func `puts values into text, and a literal brace`() throws {
        let event = Fixture.change(.create, ["N": "Acme", "D": .double(2), "T": .timestamp(Fixture.time)])
        #expect(
            try body("text: Won ${record.N} x${record.D} at ${record.T}, $${record.N} $5 {ok}", event)
                == [#"{"text":"Won Acme x2 at 2026-11-22T03:00:30Z, ${record.N} $5 {ok}"}"#])
    }

    @Test(arguments: [
        (Value.null, "is null and cannot be put inside text"),
        (.list([]), "is not a single value and cannot be put inside text"),
        (.record([:]), "is not a single value and cannot be put inside text"),
        (.bytes([1]), "is not a single value and cannot be put inside text"),
        (.double(.nan), "is not a finite number"),
    ])
    func `fails rather than put something odd into text`(value: Value, reason: String) throws {
        let set = try Fixture.rule(match: "entity: Account, change: create", body: "\"a ${record.F}\"")
        #expect(set.route(Fixture.change(.create, ["F": value])).failures.map(\.reason) == ["'record.F' \(reason)"])
    }

    @Test func `fails on numbers that JSON cannot carry`() throws {
        let set = try Fixture.rule(match: "entity: Account, change: create", body: "{a: ['${record.F}']}")
        #expect(set.route(Fixture.change(.create, ["F": .list([.double(.infinity)])])).failures.count == 1)
    }

    @Test func `fails on a body over one mebibyte`() throws {
        let set = try Fixture.rule(match: "entity: Account, change: create", body: "\"${record}\"")
        let big = Fixture.change(.create, ["F": .string(String(repeating: "x", count: 1 << 20))])
        #expect(set.route(big).failures.map(\.reason) == ["the body has 1048584 bytes, more than 1 MiB"])
    }

    @Test func `knows event, header, org, rule, vars, batch and now`() throws {
        #expect(
            try body(
                """
                a: ["${event.id}", "${event.kind}", "${event.entity}", "${event.topic}", "${event.replayId}"]
                b: ["${event.time}", "${event.receivedAt}", "${event.fetched}", "${now}"]
                c: ["${header.recordIds}", "${header.commitNumber}", "${header.commitUser}", "${header.changeType}"]
                d: ["${org.id}", "${org.alias}", "${org.sandbox}", "${rule.id}", "${rule.labels.team}"]
                e: ["${vars.a}", "${vars.b}", "${batch.count}", "${batch.recordIds}", "${batch.lastCommit}"]
                """, vars: "{a: 1.50, b: [x, 2, no]}") == [
                    #"{"a":["e-1","change","Account","/data/ChangeEvents","AAAAAAABAgM="],"#
                        + #""b":["2026-11-22T03:00:30Z","2026-11-22T03:00:30.25Z",false,"2026-11-22T03:00:31Z"],"#
                        + #""c":[["001000000000001AAA"],9007199254740993,"005000000000001AAA","CREATE"],"#
                        + #""d":["00D000000000001EAA","prod",false,"one","sales"],"#
                        + #""e":[1.5,["x",2,"no"],1,["001000000000001AAA"],"2026-11-22T03:00:30Z"]}"#
                ])
    }

    // MARK: Targets

    @Test func `posts a delete as the example shows`() throws {
        let report = try CorpusTests.report("example-deletes")
        let event = Fixture.change(.delete, entity: "Product2", id: "01t000000000001AAA")
        let delivery = try #require(report.ruleSet?.route(event).deliveries.first)
        #expect(
            String(decoding: delivery.body, as: UTF8.self)
                == #"{"action":"delete","id":"01t000000000001AAA","deletedBy":"005000000000001AAA","#
                + #""at":"2026-11-22T03:00:30Z"}"#
        )
        #expect(delivery.target == .webhook(method: "POST", path: "", headers: []))
        #expect(delivery.lane == "01t000000000001AAA" && delivery.destination == "orders-hook")
        #expect(delivery.retry == RetryLimits())
    }

    @Test func `claims a run with the widened window of the example`() throws {
        let report = try CorpusTests.report("supported-production-order")
        let event = Fixture.change(
            .update, entity: "sfy24__ProductionOrder__c", changed: ["sfy24__Status__c"], ["sfy24__Status__c": "Done"])
        let delivery = try #require(report.ruleSet?.route(event).deliveries.first)
        #expect(
            delivery.target
                == .run(
                    FlowRunRequest(
                        flow: "598f1c2e7d3a4b0012345d9a", exports: [], from: Fixture.time - 5000,
                        until: Fixture.time + 1000, quietMilliseconds: 20_000, maximumMilliseconds: 300_000, limit: 1000
                    )))
        #expect(delivery.body.isEmpty && delivery.lane == "598f1c2e7d3a4b0012345d9a/production-orders")
    }

    @Test func `covers the commit time by a run without a window`() throws {
        let set = try Fixture.ruleSet(
            """
            - id: one
              match: {entity: Account, change: create, ignore: {}}
              to: {destination: celigo, flow: 598F1C2e7d3a4b0012345d9a, exports: [598f1c2e7d3a4b0012345d9B]}
            """)
        let delivery = try #require(set.route(Fixture.change(.create)).deliveries.first)
        #expect(
            delivery.target
                == .run(
                    FlowRunRequest(
                        flow: "598F1C2e7d3a4b0012345d9a", exports: ["598f1c2e7d3a4b0012345d9b"], from: Fixture.time,
                        until: Fixture.time, quietMilliseconds: 10_000, maximumMilliseconds: 120_000, limit: 1000)))
    }

    @Test func `wraps the data of a FlowMate delivery and posts a listener's body as it is`() throws {
        let set = try Fixture.ruleSet(
            """
            - id: one
              match: {entity: Account, change: create, ignore: {}}
              to:
                - destination: flowmate
                  flow: ${record.Flow__c}
                  data:
                    id: ${recordId}
                  retry: {for: 1h, max: 3}
                - {destination: celigo, listener: accounts, body: "${record}", key: all}
            """)
        let good = set.route(Fixture.change(.create, ["Flow__c": "6762e154616e91cb8d8b1aaf"]))
        #expect(good.deliveries.map(\.target) == [.flow(id: "6762e154616e91cb8d8b1aaf"), .listener(name: "accounts")])
        #expect(
            good.deliveries.map { String(decoding: $0.body, as: UTF8.self) } == [
                #"{"data":{"id":"001000000000001AAA"}}"#, #"{"Flow__c":"6762e154616e91cb8d8b1aaf"}"#,
            ])
        #expect(good.deliveries.map(\.lane) == ["8b1aaf/001000000000001AAA", "accounts/all"], "flows do not wait for each other")
        #expect(good.deliveries[0].retry == RetryLimits(horizonMilliseconds: 3_600_000, maximumAttempts: 3))

        let bad = set.route(Fixture.change(.create, ["Flow__c": "../flows"]))
        #expect(bad.failures.map(\.reason) == ["the computed flow is not an id of 24 hex digits"])
    }

    @Test func `encodes computed pieces of a path and refuses dots and control characters`() throws {
        let set = try Fixture.ruleSet(
            """
            - id: one
              match: {entity: Account, change: create}
              to:
                destination: hook
                method: PUT
                path: records/${record.Name}/x?a=1
                headers:
                  X-Name: ${record.?Header}
                  X-Fixed: plain
                body: {}
            """)
        let name = Fixture.change(.create, ["Name": "a/b ?é~", "Header": "v"])
        #expect(
            set.route(name).deliveries.map(\.target) == [
                .webhook(
                    method: "PUT", path: "/records/a%2Fb%20%3F%C3%A9~/x?a=1",
                    headers: [.init(name: "X-Name", value: "v"), .init(name: "X-Fixed", value: "plain")])
            ])
        let absent = set.route(Fixture.change(.create, ["Name": "a"])).deliveries.first?.target
        #expect(
            absent
                == .webhook(method: "PUT", path: "/records/a/x?a=1", headers: [.init(name: "X-Fixed", value: "plain")]))
        #expect(set.route(Fixture.change(.create, ["Name": ".."])).failures.count == 1)
        let split = set.route(Fixture.change(.create, ["Name": "a", "Header": "v\r\nX-Evil: 1"]))
        #expect(split.failures.map(\.reason) == ["the header 'X-Name' would hold control characters"])
    }

    @Test func `keeps the trailing slash of a webhook's URL`() throws {
        let set = try Fixture.ruleSet(
            "- {id: one, match: {event: A__e}, to: {destination: slash, body: 1}}")
        #expect(set.destinations["slash"]?.url == "https://hooks.example.com/x")
        let delivery = set.route(Fixture.platform("A__e")).deliveries.first
        #expect(delivery?.target == .webhook(method: "POST", path: "/", headers: []))
        #expect(delivery?.lane == "/event/A__e")
        #expect(set.destinations["flowmate"]?.url == "https://api.example.com")
    }

    @Test func `takes defaults from the file and lets a rule override them`() throws {
        let text = """
            sluice: 1
            defaults: {labels: {a: "1", b: "2"}, retry: {for: 2h}, onError: drop, mode: off}
            destinations: {hook: {kind: webhook, url: "https://x.example"}}
            rules:
              - {id: off, match: {event: A__e}, to: {destination: hook, body: 1}}
              - id: on
                mode: live
                labels: {b: "3"}
                match: {event: A__e}
                to:
                  - {destination: hook, body: "${rule.labels}"}
                  - {destination: hook, body: 2, retry: {max: 1}, onError: pause}
            """
        let report = Lint.check([RuleSource(path: "a.yaml", bytes: Array(text.utf8))])
        let deliveries = try #require(report.ruleSet, "\(report.text)").route(Fixture.platform("A__e")).deliveries
        #expect(deliveries.map { String(decoding: $0.body, as: UTF8.self) } == [#"{"a":"1","b":"3"}"#, "2"])
        #expect(deliveries[0].retry == RetryLimits(horizonMilliseconds: 7_200_000, onError: .drop))
        #expect(deliveries[1].retry == RetryLimits(maximumAttempts: 1, onError: .pause))
    }

    // MARK: Identity

    @Test func `gives a delivery the same id every time, and each its own`() throws {
        let set = try Fixture.ruleSet(
            """
            - id: one
              match: {entity: Account, change: create}
              to: [{destination: hook, body: 1}, {destination: hook, body: 1}]
            - {id: two, match: {entity: Account, change: create}, to: {destination: hook, body: 1}}
            """)
        let first = set.route(Fixture.change(.create)).deliveries.map(\.id)
        #expect(first == set.route(Fixture.change(.create)).deliveries.map(\.id))
        let other = set.route(Fixture.change(.create, id: "001000000000002AAA")).deliveries.map(\.id)
        #expect(Set(first + other).count == 6)
        // SHA-256, by another implementation, over the length-prefixed parts.
        #expect(first[0] == "sl_df3e230fd595644ddd9b4e508467d3e6")
    }

    @Test func `changes its hash with any file`() throws {
        let a = RuleSource(path: "a.yaml", bytes: Array("sluice: 1\n".utf8))
        let b = RuleSource(path: "b.yaml", bytes: Array("sluice: 1\n".utf8))
        let hashes = [[a], [b], [a, b], []].map { RuleSet.contentHash(of: $0) }
        #expect(Set(hashes).count == 4)
        #expect(RuleSet.contentHash(of: [b, a]) == hashes[2])
        #expect(hashes[0].utf8.count == 64)
    }
}
