import Events
import Testing

@testable import Rules

/// What a rule asks for beyond the event: fields by `needs: fetch`, records by `onGap: fetch`, flows by `fanOut`.
@Suite struct ReadingTests {
    private func won(missing: String = "fetch") throws -> RuleSet {
        try Fixture.ruleSet(
            """
            - id: won
              match: {entity: Account, change: [create, update, delete]}
              needs: {fields: [Name, Amount], missing: \(missing)}
              when: changedTo('StageName', 'Closed Won') && record.Amount >= 100.0
              to:
                destination: hook
                body: {name: "${record.Name}", amount: "${record.Amount}", fetched: "${event.fetched}", x: "${record.?X}"}
            """)
    }

    private let stage = Fixture.change(.update, changed: ["StageName"], ["StageName": .string("Closed Won")])

    private func facts(_ fields: Fields) -> RoutingFacts {
        var facts = RoutingFacts()
        facts.record = .read(fields)
        return facts
    }

    private func route(_ set: RuleSet, _ event: Event, _ facts: RoutingFacts) -> RoutingResult {
        set.route(event, now: Fixture.time, facts: facts)
    }

    @Test func `asks for the record only while the condition can still hold`() throws {
        let set = try won()
        #expect(set.route(stage).wants == [.record(.some(["Amount", "Name"]))])
        let other = Fixture.change(.update, changed: ["StageName"], ["StageName": .string("Open")])
        #expect(set.route(other).wants == [])
        let small = Fixture.change(
            .update, changed: ["StageName", "Amount"], ["StageName": .string("Closed Won"), "Amount": .double(1)])
        #expect(set.route(small).wants == [])
    }

    @Test func `fills in absent fields only, and evaluates again`() throws {
        let set = try won()
        let read: Fields = ["Name": .string("Acme"), "Amount": .double(250), "StageName": .string("Old"), "X": .int(1)]
        let result = route(set, stage, facts(read))
        #expect(
            result.deliveries.map { String(decoding: $0.body, as: UTF8.self) } == [
                #"{"name":"Acme","amount":250,"fetched":true}"#
            ])
        #expect(route(set, stage, facts(["Name": .string("a"), "Amount": .double(5)])).deliveries.isEmpty)
        let told = Fixture.change(
            .update, changed: ["StageName"], ["StageName": .string("Closed Won"), "Amount": .double(300)])
        let kept = route(set, told, facts(["Name": .string("Acme"), "Amount": .double(1)]))
        #expect(kept.deliveries.count == 1)
    }

    @Test func `counts a record that is gone as missing, and fails one whose field was withheld`() throws {
        let set = try won()
        var gone = RoutingFacts()
        gone.record = .gone
        #expect(route(set, stage, gone).outcomes.map(\.kind) == [.needsMissing])
        let withheld = route(set, stage, facts(["Name": .string("Acme")]))
        #expect(withheld.failures.first?.reason.contains("'Amount'") == true)
        #expect(try won(missing: "skip").route(stage).outcomes.map(\.kind) == [.needsMissing])
        #expect(try won(missing: "fail").route(stage).failures.count == 1)
    }

    @Test func `reads a gap back as the change it stands for`() throws {
        let set = try Fixture.rule(
            match: "entity: Account, change: [create, update, delete], changed: [Name]",
            body: #"{c: "${event.change}", n: "${record.?Name}", f: "${event.fetched}"}"#)
        let gap = Fixture.change(.gapUpdate)
        #expect(set.route(gap).wants == [.record(.all)])
        let read = route(set, gap, facts(["Name": .string("Acme"), "Phone": .null]))
        #expect(
            read.deliveries.map { String(decoding: $0.body, as: UTF8.self) } == [#"{"c":"update","n":"Acme","f":true}"#])
        #expect(route(set, gap, facts(["Name": .null])).deliveries.isEmpty)
        var gone = RoutingFacts()
        gone.record = .gone
        // It was deleted since, and no delete changes a name.
        #expect(route(set, gap, gone).outcomes.isEmpty)
    }

    @Test func `takes a record that vanished before it was read as deleted`() throws {
        let gap = Fixture.change(.gapUpdate)
        var gone = RoutingFacts()
        gone.record = .gone
        let deletes = try Fixture.rule(
            match: "entity: Account, change: [update, delete]", body: #"{c: "${event.change}"}"#)
        #expect(
            route(deletes, gap, gone).deliveries.map { String(decoding: $0.body, as: UTF8.self) } == [#"{"c":"delete"}"#])
        let updates = try Fixture.rule(match: "entity: Account, change: [update]", body: #"{c: "${event.change}"}"#)
        #expect(route(updates, gap, gone).outcomes.map(\.kind) == [.gapSkipped])
    }

    @Test func `each state of a record that was read has deliveries of its own`() throws {
        let set = try Fixture.rule(match: "entity: Account, change: [update]", body: #"{n: "${record.?Name}"}"#)
        let gap = Fixture.change(.gapUpdate)
        func id(_ version: String?) -> String? {
            var read = facts(["Name": .string("Acme")])
            read.version = version
            return route(set, gap, read).deliveries.first?.id
        }
        #expect(id("1") == id("1") && id("1") != id("2") && id(nil) != id("1"))
    }

    @Test func `takes a gap delete as a delete once the read confirms it`() throws {
        let set = try Fixture.rule(match: "entity: Account, change: [delete]", body: #"{id: "${recordId}"}"#)
        let gap = Fixture.change(.gapDelete)
        #expect(set.route(gap).wants == [.record(.all)])
        var gone = RoutingFacts()
        gone.record = .gone
        #expect(route(set, gap, gone).deliveries.count == 1)
        #expect(route(set, gap, facts(["Name": .string("alive")])).outcomes.map(\.kind) == [.gapSkipped])
    }

    @Test func `fails every delivery of a rule whose read is refused, with the reason`() throws {
        var refused = RoutingFacts()
        refused.record = .refused("INSUFFICIENT_ACCESS")
        let failure = try #require(route(try won(), stage, refused).failures.first)
        #expect(failure.reason == "'Name' could not be read: INSUFFICIENT_ACCESS")
    }

    @Test func `defers what can wait in its lane while the record cannot be read, and waits for the rest`() throws {
        var later = RoutingFacts()
        later.record = .later("503")
        let postponed = route(try won(), stage, later)
        #expect(postponed.wants == [] && postponed.deliveries.isEmpty && postponed.failures.isEmpty)
        let read = route(try won(), stage, facts(["Name": .string("Acme"), "Amount": .double(100)]))
        let due = try #require(read.deliveries.first)
        let deferred = try #require(postponed.deferred.first)
        #expect(deferred.id == due.id && deferred.lane == due.lane && deferred.origin == due.origin)
        #expect(deferred.retry == due.retry && deferred.reason == "503")
        let gap = route(
            try Fixture.rule(match: "entity: Account, change: [create, update]", body: "{}"), Fixture.change(.gapUpdate), later)
        #expect(gap.deferred.count == 1)
        let fixed = try toFlow(Self.flowID)
        let whole = route(fixed, stage, facts(["Name": .string("Acme")]))
        let waits = try #require(route(fixed, stage, later).deferred.first)
        #expect(waits.id == whole.deliveries.first?.id && waits.lane == whole.deliveries.first?.lane)
        #expect(route(try toFlow("${record.Name}"), stage, later).wants == [.record(.some(["Name"]))])
        let keyed = try Fixture.ruleSet(
            """
            - id: keyed
              match: {entity: Account, change: update}
              needs: {fields: [Name], missing: fetch}
              to: {destination: hook, key: "${record.Name}", body: {n: "${record.Name}"}}
            """)
        #expect(route(keyed, stage, later).wants == [.record(.some(["Name"]))])
    }

    // MARK: Compound fields

    /// Laid out by a schema, as events are.
    private struct LaidOutRecord: RecordView {
        static let paths = ["Address", "Address.Street", "Address.City"]
        let record: KnownRecord
        let shape: RecordShape? = RecordShape(paths: Self.paths, parents: [-1, 0, 0], hidden: nil)

        func value(at path: [String]) -> Value? { record.value(at: path) }

        func known() -> Fields { record.known() }

        func value(slot: Int) -> Value? { record.value(at: Self.paths[slot].split(separator: ".").map(String.init)) }
    }

    private func address(_ components: Fields, laidOut: Bool = true) -> Event {
        var event = Fixture.change(.update, changed: ["Address.Street"], ["Address": .record(components)])
        if laidOut { event.record = LaidOutRecord(record: KnownRecord(fields: ["Address": .record(components)])) }
        return event
    }

    @Test func `fetches a compound of which an update tells a part`() throws {
        let set = try Fixture.rule(
            match: "entity: Account, change: [create, update]", body: "{a: '${record.Address}'}",
            more: "needs: {fields: [Address], missing: fetch},")
        let part = address(["Street": "1 Main"])
        #expect(set.route(part).wants == [.record(.some(["Address"]))])
        #expect(set.route(address(["Street": "1 Main"], laidOut: false)).wants == [.record(.some(["Address"]))])
        let read = route(set, part, facts(["Address": .record(["Street": "old", "City": "Ghent"])]))
        #expect(read.deliveries.map { String(decoding: $0.body, as: UTF8.self) }
            == [#"{"a":{"Street":"1 Main","City":"Ghent"}}"#])
        // What is told whole, or as empty, is known.
        #expect(set.bodies(address(["Street": "1 Main", "City": .null])) == [#"{"a":{"Street":"1 Main","City":null}}"#])
        #expect(set.bodies(Fixture.change(.update, nulled: ["Address"], ["Address": .null])) == [#"{"a":null}"#])
        let created = Fixture.change(.create, ["Address": .record(["Street": "1 Main"])])
        #expect(set.bodies(created) == [#"{"a":{"Street":"1 Main"}}"#])
    }

    @Test func `reads no record of an overflow`() throws {
        let set = try Fixture.rule(
            match: "entity: Account, change: [update, overflow]", more: "needs: {fields: [Name], missing: fetch},")
        let result = set.route(Fixture.change(.gapOverflow, id: ""))
        #expect(result.wants.isEmpty && result.failures.isEmpty)
        #expect(result.outcomes.map(\.kind) == [.needsMissing])
    }

    private func toFlow(_ flow: String) throws -> RuleSet {
        try Fixture.ruleSet(
            """
            - id: flow
              match: {entity: Account, change: update}
              needs: {fields: [Name], missing: fetch}
              to: {destination: flowmate, flow: "\(flow)", data: {n: "${record.Name}"}}
            """)
    }

    // MARK: fanOut

    private static let flowID = "6762e154616e91cb8d8b1aaf"
    private let owned = Fixture.change(.create, ["OwnerId": .string("005000000000009AAA"), "Email": .string("a@b.c")])

    private func fan(_ more: String = "") throws -> RuleSet {
        try Fixture.ruleSet(
            """
            - id: fan
              match: {entity: Account, change: create}
              to:
                destination: flowmate
                fanOut: {user: "${record.OwnerId}", where: "'email' in flow.inputParameters"\(more)}
                data: {email: "${record.?Email}", to: "${flow.name}"}
            """)
    }

    private func flows(_ flows: [FlowFacts]) -> RoutingFacts {
        var facts = RoutingFacts()
        facts.flows[FlowOwner(destination: "flowmate", user: "005000000000009AAA")] = .found(flows)
        return facts
    }

    @Test func `a shadow rule's fan-out that fails is counted, not kept`() throws {
        let set = try Fixture.ruleSet(
            """
            - id: fan
              mode: shadow
              match: {entity: Account, change: create}
              to:
                destination: flowmate
                fanOut: {user: "${record.OwnerId}"}
                data: {email: "${record.?Email}"}
            """)
        var facts = RoutingFacts()
        facts.flows[FlowOwner(destination: "flowmate", user: "005000000000009AAA")] = .refused("no")
        let result = route(set, owned, facts)
        #expect(result.failures.isEmpty && result.deliveries.isEmpty)
        #expect(result.outcomes.contains { $0.kind == .fault })
    }

    @Test func `asks for the user's flows, then makes a delivery of its own for each that fits`() throws {
        let set = try fan()
        #expect(set.route(owned).wants == [.flows(FlowOwner(destination: "flowmate", user: "005000000000009AAA"))])
        let second = String(Self.flowID.reversed())
        let result = route(
            set, owned,
            flows([
                FlowFacts(id: Self.flowID, name: "one", inputParameters: ["email": .string("string")]),
                FlowFacts(id: second, name: "two", inputParameters: ["email": .string("string")]),
                FlowFacts(id: second, name: "other", inputParameters: ["phone": .string("string")]),
                FlowFacts(id: second, name: "off", isActive: false, inputParameters: ["email": .string("string")]),
                FlowFacts(id: second, name: "unknown contract"),
            ]))
        #expect(result.deliveries.map(\.target) == [.flow(id: Self.flowID), .flow(id: second)])
        #expect(
            result.deliveries.map { String(decoding: $0.body, as: UTF8.self) } == [
                #"{"data":{"email":"a@b.c","to":"one"}}"#, #"{"data":{"email":"a@b.c","to":"two"}}"#,
            ])
        #expect(Set(result.deliveries.map(\.id)).count == 2)
        #expect(result.outcomes.map(\.kind) == [.matched, .unknown])
    }

    @Test func `fails a fan-out beyond its limit instead of cutting it`() throws {
        let set = try fan(", limit: 1")
        let one = FlowFacts(id: Self.flowID, inputParameters: ["email": .string("string")])
        let result = route(set, owned, flows([one, one]))
        #expect(result.deliveries.isEmpty)
        #expect(result.failures.map(\.reason) == ["the user has 2 flows, more than the limit of 1"])
    }
}
