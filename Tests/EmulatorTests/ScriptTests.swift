import Events
import Testing

@testable import Emulator

@Suite struct ScriptTests {
    @Test func `a YAML list of every step`() throws {
        let script = try Script(
            """
            # a comment
            - publish:
                entity: Account
                change: update
                ids: [001Dp0000010000IAA]
                fields: {Phone: null, AnnualRevenue: 12.5, NumberOfEmployees: 7, Site: "12"}
            - wait: 250ms
            - fault: goaway
            - fault: {kind: silence, for: 2m}
            - target: {path: /hooks/*, status: 503, times: 3, retryAfter: 2}
            - feed: 10
            - job: failed
            - job: {errors: 2}
            - channel: {name: Orders__chn, add: Account, remove: [Opportunity]}
            - permission: {entity: Account, viewAll: false}
            - managed: {name: Mine, topic: /data/Orders__chn, state: RUN, defaultReplay: EARLIEST}
            - limits: {DailyApiRequests: {max: 100, remaining: 3}, DailyDeliveredPlatformEvents: {remaining: 0}}
            """)
        let change = EmulatedChange(
            entity: "Account", recordIDs: ["001Dp0000010000IAA"],
            fields: [
                "Phone": .null, "AnnualRevenue": .double(12.5), "NumberOfEmployees": .int(7), "Site": .string("12"),
            ])
        let steps: [ScriptStep] = [
            .publish([change]), .wait(.milliseconds(250)), .fault(.goAway), .fault(.silence(.seconds(120))),
            .target(TargetFault(path: "/hooks/*", status: 503, times: 3, retryAfter: 2)), .feed(10),
            .job(errors: nil), .job(errors: 2),
            .salesforce(.channel(.init(name: "Orders__chn", add: ["Account"], remove: ["Opportunity"]))),
            .salesforce(.permission(entity: "Account", isGiven: false)),
            .salesforce(
                .managed(.init(name: "Mine", topic: "/data/Orders__chn", state: .run, defaultReplay: .earliest))),
            .salesforce(
                .limits([
                    .init(name: .apiRequests, maximum: 100, remaining: 3), .init(name: .deliveredEvents, remaining: 0),
                ])),
        ]
        #expect(script.lines.map(\.step) == steps)
        #expect(script.lines.map(\.number) == [2, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17])
    }

    @Test func `the examples that help shows are steps, one of each kind at least`() throws {
        let script = try Script(ScriptStep.examples.joined(separator: "\n"))
        #expect(script.lines.count == ScriptStep.examples.count)
        for name in ScriptStep.names {
            #expect(ScriptStep.examples.contains { $0.hasPrefix("{\"\(name)\": ") }, "\(name)")
        }
    }

    @Test func `JSON lines, with several changes in one transaction`() throws {
        let script = try Script(
            #"""
            {"publish": [{"entity": "Order_Ready__e"}, {"entity": "Account", "change": "delete", "ids": "001"}]}

            {"wait": "1s"}
            """#)
        #expect(script.lines.map(\.number) == [1, 3])
        guard case .publish(let changes) = script.lines[0].step else { throw ScriptProblem("no publish") }
        #expect(changes.map(\.change) == [.update, .delete])
    }

    @Test(arguments: [
        ("- wait: 1s\n- wait: soon", 2, "a duration such as"),
        ("- publish: {entity: Account, ids: x, fields: {Nope: 1}}", 1, "Nope"),
        ("- wait: 1s\n\n- publish:\n    entity: Contact", 3, "knows only Account"),
        ("- publish: {entity: Account}", 1, "needs record IDs"),
        ("- publish: {entity: Account, ids: x, chnge: update}", 1, "no key \"chnge\""),
        ("- explode: now", 1, "unknown step \"explode\""),
        ("- fault: fire", 1, "fault takes goaway"),
        ("- target: {path: hooks}", 1, "absolute path"),
        ("- target: {path: /hooks/a, status: 99}", 1, "from 200 to 599"),
        ("- feed: 0", 1, "from 1 to"),
        ("- wait: 2h", 1, "up to 1h"),
        ("- channel: {name: Orders, add: Account}", 1, "ends in __chn"),
        ("- channel: {name: Orders__chn}", 1, "needs \"add\" or \"remove\""),
        ("- channel: {name: Orders__chn, add: [Contact]}", 1, "there is no Contact, only Account"),
        ("- channel: {name: Orders__chn, add: [1]}", 1, "takes an entity"),
        ("- permission: {entity: Account}", 1, "\"viewAll\": true or false"),
        ("- managed: {state: STOP}", 1, "needs \"name\""),
        ("- managed: {name: A, state: PAUSED}", 1, "\"state\" is RUN or STOP"),
        ("- limits: {DailyApiCalls: {max: 1}}", 1, "no key \"DailyApiCalls\""),
        ("- limits: {}", 1, "needs one of DailyApiRequests"),
        ("- limits: {DailyApiRequests: {left: 1}}", 1, "takes max, remaining"),
        ("- rest: {times: 2}", 1, "needs \"status\""),
        ("- rest: {status: 200}", 1, "from 300 to 599"),
        ("- rest: {status: 503, path: query}", 1, "behind the API version"),
        ("wait: 1s", 1, "a list of steps"),
        ("- wait: 1s\n- a: b: c", 2, "not valid YAML"),
        ("{\"wait\": \"1s\"}\n{\"wait\" \"1s\"}", 2, "not valid JSON"),
    ])
    func `a mistake is told with its line`(text: String, line: Int, reason: String) {
        do throws(EmulatorError) {
            _ = try Script(text, file: "demo.yaml")
            Issue.record("accepted")
        } catch {
            #expect(error.description.hasPrefix("demo.yaml:\(line): "), "\(error)")
            #expect(error.description.contains(reason), "\(error)")
        }
    }

    @Test func `a file that is not there is one clear error`() {
        #expect(throws: EmulatorError.self) { try Script.load(path: "/nonexistent/demo.yaml") }
    }
}
