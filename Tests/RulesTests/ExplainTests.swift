import Events
import Testing

@testable import Rules

@Suite struct ExplainTests {
    private let event = Fixture.change(
        .update, changed: ["StageName"], nulled: ["Phone"], ["StageName": .string("Closed Won"), "Phone": .null])

    private func explain(_ rules: String, _ event: Event? = nil, facts: RoutingFacts = RoutingFacts()) throws
        -> [RuleExplanation]
    {
        try Fixture.ruleSet(rules).explain(event ?? self.event, now: Fixture.time, facts: facts)
    }

    @Test func `shows each clause with its outcome and the values it saw, absent as absent`() throws {
        let explanation = try #require(
            try explain(
                """
                - id: won
                  match: {entity: Account, change: [create, update]}
                  when: |
                    changedTo('StageName', 'Closed Won') && record.Phone == null
                      && record.Amount >= 10.0 && has(record.Fax)
                  to: {destination: hook, body: {}}
                """
            ).first)
        #expect(explanation.verdict == .notMatched)
        let when = explanation.clauses.filter { $0.key == "when" }
        #expect(when.map(\.state) == [.isTrue, .isTrue, .unknown, .isFalse])
        #expect(when.map(\.text)[2] == "record.Amount >= 10.0")
        #expect(when[0].values.map { "\($0.name)=\($0.value.text)" } == [#"record.StageName="Closed Won""#])
        #expect(when[1].values.map { "\($0.name)=\($0.value.text)" } == ["record.Phone=null"])
        #expect(when[2].values.map { "\($0.name)=\($0.value.text)" } == ["record.Amount=absent"])
        #expect(when[3].values.map { "\($0.name)=\($0.value.text)" } == ["record.Fax=absent"])
        #expect(when[2].reason == "'Amount' is absent: the event does not tell it")
    }

    @Test func `a clause is shown with its parentheses`() throws {
        let explanation = try #require(
            try explain(
                """
                - id: won
                  match: {entity: Account, change: [create, update]}
                  when: (record.Phone) == null && ((record.StageName) + ('')) == ('x')
                  to: {destination: hook, body: {}}
                """
            ).first)
        let texts = explanation.clauses.filter { $0.key == "when" }.map(\.text)
        #expect(texts == ["(record.Phone) == null", "((record.StageName) + ('')) == ('x')"])
    }

    @Test(arguments: [
        ("{entity: Contact, change: update}", "match.entity"), ("{event: X__e}", "match.event"),
        ("{entity: Account, change: create}", "match.change"),
        ("{entity: Account, change: update, org: other}", "match.org"),
        ("{entity: Account, change: update, topic: /data/X}", "match.topic"),
        ("{entity: Account, change: update, changed: [Name]}", "match.changed"),
        ("{entity: Account, change: update, cleared: [Name]}", "match.cleared"),
        ("{entity: Account, change: update, ignore: {users: ['005000000000001AAA']}}", "match.ignore"),
    ]) func `names the key of match that decided`(_ match: String, _ key: String) throws {
        let body = match.contains("X__e") ? "{}" : "{}"
        let explanation = try #require(
            try explain("- {id: one, match: \(match), to: {destination: hook, body: \(body)}}").first)
        #expect(explanation.verdict == .notMatched)
        #expect(explanation.decisive?.key == key)
    }

    @Test func `shows every condition of a rule about the object, whatever decided`() throws {
        let rules = """
            - id: one
              match: {entity: Account, change: [create, gap_update], org: other, changed: [StageName]}
              when: record.Phone == null && record.StageName == 'x'
              needs: {fields: [StageName]}
              to: {destination: hook, body: {}}
            - id: two
              match: {entity: Account, change: update}
              to:
                - {destination: hook, when: "record.Phone == null", body: {}}
                - {destination: hook, when: "record.Phone != null", body: {}}
            - {id: three, match: {entity: Contact, change: create}, when: record.Phone == null, to: {destination: hook, body: {}}}
            """
        let explanations = try explain(rules)
        let one = explanations[0].clauses
        #expect(
            one.map(\.key) == [
                "match.entity", "match.change", "match.org", "match.changed", "when", "when", "needs",
            ])
        #expect(
            one.map(\.state) == [.isTrue, .isFalse, .isFalse, .isTrue, .isTrue, .isFalse, .isTrue])
        #expect(one[1].text == "create, gap_update" && one[1].reason == "this is update")
        #expect(explanations[0].verdict == .notMatched && explanations[0].decisive?.key == "match.change")
        let own = explanations[1].deliveries.map { $0.clauses.map(\.state) }
        #expect(explanations[1].verdict == .matched && own == [[.isTrue], [.isFalse]])
        let text = ExplanationText.lines(explanations[1])
        #expect(text.contains("      ✓ when: record.Phone == null"), "\(text)")
        #expect(explanations[1].deliveries.map(\.reason) == ["", "not made: its condition does not hold"])
        #expect(text.contains("      ✗ when: record.Phone != null"), "\(text)")
        #expect(explanations[2].clauses.map(\.key) == ["match.entity"], "of another object")
    }

    @Test func `what a rule hides of its requests is hidden when a stored event is explained`() throws {
        let rules = """
            - id: one
              bodies: redacted
              match: {entity: Account, change: update}
              when: record.StageName == 'Closed Won' && header.changedFields.size() == 1
              to: {destination: hook, when: record.Phone == null, body: {stage: "${record.StageName}"}}
            - {id: two, bodies: none, match: {entity: Account, change: update}, to: {destination: hook, body: {a: "${record.StageName}"}}}
            - {id: three, match: {entity: Account, change: update}, to: {destination: hook, body: {a: "${record.StageName}"}}}
            - {id: four, bodies: none, match: {entity: Contact, change: update}, to: {destination: hook, body: {}}}
            """
        let set = try Fixture.ruleSet(rules)
        let shown = set.explain(event, now: 0).map(\.limited)
        let text = shown.prefix(2).flatMap(ExplanationText.lines).joined(separator: "\n")
        #expect(!text.replacing("'Closed Won'", with: "").contains("Closed Won"), "\(text)")
        #expect(text.contains(#"{"stage":"<text of 10>"}"#) && text.contains(#"record.StageName = "<text of 10>""#), "\(text)")
        #expect(text.contains(#"header.changedFields = ["StageName"]"#) && text.contains("record.Phone = null"), "\(text)")
        #expect(ExplanationText.lines(shown[2]).joined().contains(#"{"a":"Closed Won"}"#))
        #expect(set.shownRecord(of: event) == .none, "the strictest rule about the object")
        #expect(set.shownRecord(of: Fixture.change(.update, entity: "Lead")) == .full)
        var json = JSONText()
        json.value(ExplanationText.value(shown, of: event, record: .redacted))
        #expect(json.string.contains(#""record":{"StageName":"<text of 10>","Phone":null}"#), "\(json.string)")
    }

    @Test func `a gap event that is left out is told as that`() throws {
        let rules = "- {id: one, onGap: skip, match: {entity: Account, change: update}, to: {destination: hook, body: {}}}"
        let gap = Fixture.change(.gapUpdate)
        let explanation = try #require(try explain(rules, gap).first)
        #expect(explanation.verdict == .gapSkipped && explanation.decisive?.key == "onGap")
        #expect(explanation.decisive?.reason == "this is gap_update, which tells no fields")
    }

    @Test func `agrees with routing about what is delivered`() throws {
        let rules = """
            - {id: one, match: {entity: Account, change: update}, to: {destination: hook, body: {a: "${record.StageName}"}}}
            - {id: two, mode: shadow, match: {entity: Account, change: update}, to: {destination: hook, body: {}}}
            - {id: three, match: {entity: Account, change: update}, to: {destination: hook, body: {a: "${record.Name}"}}}
            - {id: four, mode: 'off', match: {entity: Account, change: update}, to: {destination: hook, body: {}}}
            """
        let explanations = try explain(rules)
        #expect(explanations.map(\.verdict) == [.matched, .matched, .matched, .off])
        let routed = try Fixture.ruleSet(rules).route(event)
        #expect(explanations[0].deliveries.compactMap(\.delivery) == routed.deliveries)
        #expect(explanations[1].deliveries.compactMap(\.delivery) == routed.shadows)
        #expect(explanations[2].deliveries.map(\.reason) == routed.failures.map(\.description))
    }

    @Test func `says that a record has to be read, and explains with what was read`() throws {
        let rules = """
            - id: one
              match: {entity: Account, change: update}
              needs: {fields: [Amount], missing: fetch}
              when: record.Amount > 5.0
              to: {destination: hook, body: {}}
            """
        #expect(try explain(rules).first?.verdict == .needsReading)
        var facts = RoutingFacts()
        facts.record = .read(["Amount": .double(6)])
        let read = try #require(try explain(rules, facts: facts).first)
        #expect(read.verdict == .matched)
        #expect(read.clauses.first { $0.key == "when" }?.values.first?.value == .json("6"))
    }

    @Test func `prints what a person needs to see`() throws {
        let rules = """
            - id: won
              match: {entity: Account, change: update}
              when: record.Amount > 5.0
              to: {destination: hook, body: {}}
            - {id: other, match: {entity: Contact, change: update}, to: {destination: hook, body: {}}}
            """
        let set = try Fixture.ruleSet(rules)
        let text = ExplanationText.text(set.explain(event, now: 0), of: event, showsAll: false)
        #expect(
            text == """
                Account update 001000000000001AAA, 2026-11-22T03:00:30Z, replay ID AAAAAAABAgM= of /data/ChangeEvents

                won: unknown    rules.yaml:12:7
                  ✓ match.entity: Account
                  ✓ match.change: update
                  ? when: record.Amount > 5.0
                      unknown: 'Amount' is absent: the event does not tell it
                      record.Amount = absent

                1 more rules are about other objects (--all shows them)

                """)
    }
}

@Suite struct ExpressionTrialTests {
    @Test(arguments: [
        ("1 + 1", "2", "int"), ("1u + 1u", "2", "uint"), ("x * 2.0", "13.0", "double"), ("'a' + 'b'", #""ab""#, "string"),
        ("b'ab'", #""YWI=""#, "bytes"), ("[1, 'a', null]", #"[1,"a",null]"#, "list"), ("{'a': {1: true}}", #"{"a":{"1":true}}"#, "map"),
        ("null", "null", "null"), ("timestamp('2026-01-01T00:00:00Z')", #""2026-01-01T00:00:00Z""#, "timestamp"),
        ("duration('90s')", #""90s""#, "duration"), ("type(1)", #""int""#, "type"), ("0.0 / 0.0", #""NaN""#, "double"),
        ("m.a[0]", "1", "int"), ("m.?a", "[1]", "optional"),
        ("[m.?b, 1, {'a': m.?b, 'c': m.?a}]", #"[1,{"c":[1]}]"#, "list"),
        ("true || undefined", "true", "bool"),
    ]) func `evaluates on bindings`(_ expression: String, _ value: String, _ type: String) throws {
        let bindings: Fields = ["x": .double(6.5), "m": .record(["a": .list([.int(1)])])]
        let trial = try ExpressionTrial(expression, bindings: ["x", "m"])
        let result = try trial.evaluate(bindings: bindings)
        var json = JSONText()
        json.value(try #require(result.value))
        #expect(json.string == value.replacingDoubles && result.type == type)
    }

    @Test(arguments: [
        ("1 +", "syntax", 4), ("nothing", "undeclared", 1), ("1 / 0", "divide-by-zero", 1), ("1 + 'a'", "no-such-overload", 1),
        ("{'a': 1}.b", "no-such-key", 10), ("[1][3]", "index-out-of-range", 5), ("x > 1", "absent", 1),
    ]) func `says what went wrong and where`(_ expression: String, _ code: String, _ column: Int) {
        do {
            let trial = try ExpressionTrial(expression, bindings: [])
            let result = try trial.evaluate(bindings: [:])
            #expect(code == "absent", "\(result)")
        } catch {
            if code != "absent" { #expect(error.code == code && error.column == column, "\(error) \(error.column ?? 0)") }
        }
    }

    @Test func `what is absent is no null`() throws {
        let result = try ExpressionTrial("x.?nope", bindings: ["x"]).evaluate(bindings: ["x": .record([:])])
        #expect(result.value == nil && result.type == "optional")
    }

    @Test func `a value that shares its parts is shown up to a mebibyte`() throws {
        let doubled = (1...40).reduce("cel.bind(x0, ['a'], ") { $0 + "cel.bind(x\($1), [x\($1 - 1), x\($1 - 1)], " }
        let trial = try ExpressionTrial(doubled + "x40" + String(repeating: ")", count: 41))
        let failure = #expect(throws: ExpressionTrial.Failure.self) { try trial.evaluate(bindings: [:]) }
        #expect(failure?.description == "not-shown: the value cannot be shown: it is longer than 1 MiB")
    }

    @Test func `evaluates on an event as a rule does`() throws {
        let trial = try ExpressionTrial("changedTo('StageName', 'Won') && record.?Fax.orDefault('-') == '-'")
        let event = Fixture.change(.update, changed: ["StageName"], ["StageName": .string("Won")])
        #expect(try trial.evaluate(on: event, now: 0).value == .bool(true))
    }
}

extension String {
    /// JSON has no whole doubles.
    fileprivate var replacingDoubles: String { self == "13.0" ? "13" : self }
}
