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
        ]
        #expect(script.lines.map(\.step) == steps)
        #expect(script.lines.map(\.number) == [2, 7, 8, 9, 10, 11, 12, 13])
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
