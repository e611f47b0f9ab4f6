import Events
import Testing

@testable import Rules

@Suite struct MatchTests {
    @Test(arguments: [
        ("create", ChangeType.create, true), ("create", .update, false), ("create", .snapshot, false), ("update", .snapshot, true),
        ("[create, delete]", .delete, true), ("gap", .gapUpdate, true), ("gap_create", .gapUpdate, false),
        ("gap_update", .gapUpdate, true), ("update", .gapUpdate, false), ("overflow", .gapOverflow, true),
        ("gap", .gapOverflow, false), ("update", .unknown("MERGE"), false),
    ])
    func `takes the kinds of change that it names`(change: String, type: ChangeType, isMatched: Bool) throws {
        #expect(
            try Fixture.rule(match: "entity: Account, change: \(change)").matches(Fixture.change(type)) == isMatched)
    }

    @Test func `a record that a backfill has read is created, for its receivers`() throws {
        var event = Fixture.change(.snapshot, ["Name": .string("a")])
        event.fetched = true
        let body = "{c: '${event.change}'}"
        #expect(try Fixture.rule(match: "entity: Account, change: create", body: body).bodies(event) == [#"{"c":"create"}"#])
        #expect(try Fixture.rule(match: "entity: Account, change: update").bodies(event) == [])
        event.fetched = false
        #expect(try Fixture.rule(match: "entity: Account, change: update", body: body).bodies(event) == [#"{"c":"update"}"#])
    }

    @Test func `takes the entities that it names, or all`() throws {
        let contact = Fixture.change(.create, entity: "Contact")
        #expect(try !Fixture.rule(match: "entity: Account, change: create").matches(contact))
        #expect(try Fixture.rule(match: "entity: [Account, Contact], change: create").matches(contact))
        #expect(try Fixture.rule(match: "entity: '*', change: create").matches(contact))
    }

    @Test func `fires every matching rule in file order, those for all objects included`() throws {
        let set = try Fixture.ruleSet(
            """
            - {id: a, match: {entity: '*', change: create}, to: {destination: hook, body: 1}}
            - {id: b, match: {entity: Account, change: create}, to: {destination: hook, body: 2}}
            - {id: c, mode: off, match: {entity: Account, change: create}, to: {destination: hook, body: 3}}
            - id: d
              match: {entity: '*', change: create}
              to: [{destination: hook, body: 4}, {destination: hook, body: 5}]
            """)
        #expect(set.bodies(Fixture.change(.create)) == ["1", "2", "4", "5"])
        #expect(set.bodies(Fixture.change(.create, entity: "Contact")) == ["1", "4", "5"])
        #expect(set.ruleIDs == ["a", "b", "c", "d"])
    }

    @Test func `keeps platform events and change events apart`() throws {
        let set = try Fixture.rule(match: "event: Order_Ready__e")
        #expect(set.matches(Fixture.platform("Order_Ready__e")))
        #expect(!set.matches(Fixture.change(.create, entity: "Order_Ready__e")))
        #expect(try !Fixture.rule(match: "entity: '*', change: create").matches(Fixture.platform("A__e")))
    }

    // MARK: changed, cleared

    private func changed(_ condition: String, _ event: Event) throws -> Bool {
        try Fixture.rule(match: "entity: Account, change: [create, update, undelete, gap], \(condition)").matches(event)
    }

    @Test(arguments: [
        ("changed: [Phone]", true), ("changed: Phone", true), ("changed: [Fax, Phone]", true),
        ("changed: [Fax]", false),
        ("changed: [BillingAddress]", true), ("changed: [BillingAddress.City]", true),
        ("changed: [BillingAddress.Street]", false), ("changed: [Billing]", false), ("changed: [Website]", true),
        ("changed: [Description]", true), ("changed: {all: [Phone, Website]}", true),
        ("changed: {all: [Phone, Fax]}", false), ("changed: {none: [Fax]}", true), ("changed: {none: [Phone]}", false),
        ("changed: {any: [Phone], none: [Website]}", false),
        ("changed: {only: [Phone, Website, BillingAddress, Description]}", true), ("changed: {only: [Phone]}", false),
        ("cleared: Website", true), ("cleared: [Fax, Website]", true), ("cleared: Phone", false),
    ])
    func `reads the header lists of an update`(condition: String, isMatched: Bool) throws {
        let event = Fixture.change(
            .update, changed: ["Phone", "BillingAddress.City", "LastModifiedDate", "LastModifiedById"],
            nulled: ["Website"], diff: ["Description"], ["Phone": "1", "Website": .null])
        #expect(try changed(condition, event) == isMatched)
    }

    @Test(arguments: [
        ("BillingAddress.City", "BillingAddress.City", true), ("BillingAddress.City", "BillingAddress", false),
        ("BillingAddress", "BillingAddress", true), ("BillingAddress", "BillingAddress.City", true),
        ("BillingAddress", "BillingAddressOld", false), ("BillingAddress.City", "BillingAddress.Street", false),
    ])
    func `a compound is cleared as a whole, and with it what is in it`(
        nulled: String, field: String, isCleared: Bool
    ) throws {
        let event = Fixture.change(.update, nulled: [nulled])
        #expect(try changed("cleared: \(field)", event) == isCleared)
        let rule = try Fixture.rule(match: "entity: Account, change: update", more: "when: cleared('\(field)'),")
        #expect(rule.matches(event) == isCleared)
    }

    @Test(arguments: [
        ("changed: [Phone]", true), ("changed: [Fax]", false), ("changed: [Name]", false),
        ("changed: [BillingAddress]", true), ("changed: [ShippingAddress]", false),
        ("changed: {only: [Phone, BillingAddress]}", true), ("changed: {only: [Phone]}", false),
        ("cleared: Fax", false),
    ])
    func `takes every field with a value as changed by a create`(condition: String, isMatched: Bool) throws {
        let event = Fixture.change(
            .create,
            [
                "Phone": "1", "Fax": .null, "BillingAddress": .record(["City": "Ghent", "Street": .null]),
                "ShippingAddress": .record(["City": .null]),
            ])
        #expect(try changed(condition, event) == isMatched)
    }

    @Test func `takes nothing as changed by a gap`() throws {
        #expect(try !changed("changed: [Phone]", Fixture.change(.gapUpdate, changed: ["Phone"])))
        #expect(try !changed("cleared: [Phone]", Fixture.change(.gapUpdate, nulled: ["Phone"])))
    }

    @Test(arguments: [
        ("005A0000006Vm9rIAC", true), ("005a0000006vm9riac", true), ("005A0000006Vm9r", true), ("005A0000006Vm9sIAC", false),
    ])
    func `ignores users by their ID in either form, whatever became of its case`(id: String, isSame: Bool) {
        #expect(SalesforceID.isSame(id, "005A0000006Vm9rIAC") == isSame)
        #expect(!SalesforceID.contradictsItself(id))
        #expect(SalesforceID.contradictsItself("005A0000006Vm9rAAA") && SalesforceID.long("005000000000001AAB") == nil)
    }

    // MARK: org, topic, ignore

    @Test(arguments: [
        ("org: prod", true), ("org: [sandbox]", false), ("topic: /data/ChangeEvents", true),
        ("topic: /data/Change", false),
        ("topic: '/data/*'", true), ("topic: [/event/x, '/d*']", true), ("topic: '/data/Other*'", false),
    ])
    func `looks at org and topic`(condition: String, isMatched: Bool) throws {
        let set = try Fixture.rule(match: "entity: Account, change: create, \(condition)")
        #expect(set.matches(Fixture.change(.create)) == isMatched)
    }

    @Test(arguments: [
        ("clients: [CeligoIO]", "com/salesforce/api/rest/58.0;client=CeligoIO", false),
        ("clients: [SfdcInternalAPI]", "com/salesforce/api/soap/66.0;client=SfdcInternalAPI/", false),
        ("clients: [Celigo]", "com/salesforce/api/rest/58.0;client=CeligoIO", true), ("clients: [CeligoIO]", "", true),
        ("users: [005000000000001AAA]", "", false), ("users: [005000000000001]", "", false),
        ("users: [005000000000002AAA]", "", true), ("", "", true),
    ])
    func `ignores echoes`(ignore: String, origin: String, isMatched: Bool) throws {
        let set = try Fixture.rule(match: "entity: Account, change: update, ignore: {\(ignore)}")
        #expect(set.matches(Fixture.change(.update, origin: origin)) == isMatched)
    }

    // MARK: gaps

    @Test func `counts the gap events that a rule leaves out`() throws {
        let set = try Fixture.rule(match: "entity: Account, change: update", more: "onGap: skip,")
        #expect(set.route(Fixture.change(.gapUpdate)).outcomes == [RuleOutcome(rule: "one", kind: .gapSkipped)])
        #expect(
            set.route(Fixture.change(.gapOverflow, id: "")).outcomes == [RuleOutcome(rule: "one", kind: .gapSkipped)])
        #expect(set.route(Fixture.change(.gapCreate)).outcomes.isEmpty)
    }

    @Test func `takes a gap as the change it stands for when the rule says deliver`() throws {
        let set = try Fixture.rule(
            match: "entity: Account, change: [update, delete]",
            body: "{c: \"${event.change}\", t: \"${header.changeType}\", p: \"${record.?Phone}\"}",
            more: "onGap: deliver,")
        #expect(set.bodies(Fixture.change(.gapUpdate)) == [#"{"c":"update","t":"GAP_UPDATE"}"#])
        #expect(set.bodies(Fixture.change(.gapDelete)) == [#"{"c":"delete","t":"GAP_DELETE"}"#])
        #expect(set.route(Fixture.change(.gapCreate)).deliveries.isEmpty)
        #expect(set.route(Fixture.change(.gapOverflow)).outcomes.map(\.kind) == [.gapSkipped])
    }

    @Test func `shows the raw gap to a rule that lists gaps, whatever onGap says`() throws {
        let set = try Fixture.rule(
            match: "entity: Account, change: [update, gap, overflow]", body: "\"${event.change}\"",
            more: "onGap: deliver,")
        #expect(set.bodies(Fixture.change(.gapUpdate)) == [#""gap""#])
        #expect(set.bodies(Fixture.change(.update, id: "")) == [#""overflow""#])
    }

    // MARK: needs

    @Test func `skips or fails when a needed field is absent, and not when it is null`() throws {
        let update = Fixture.change(.update, changed: ["Phone"], ["Phone": .null])
        let skip = try Fixture.rule(match: "entity: Account, change: update", more: "needs: {fields: [Phone, Name]},")
        #expect(skip.route(update).outcomes.map(\.kind) == [.needsMissing])
        #expect(skip.route(update).deliveries.isEmpty && skip.route(update).failures.isEmpty)

        let fail = try Fixture.rule(
            match: "entity: Account, change: update", more: "needs: {fields: [Name], missing: fail},")
        let failure = try #require(fail.route(update).failures.first)
        #expect(failure.reason == "the rule needs 'Name', which the event does not tell")
        #expect(failure.onError == .deadletter && failure.destination == "hook" && failure.id.hasPrefix("sl_"))

        let known = try Fixture.rule(match: "entity: Account, change: update", more: "needs: {fields: [Phone]},")
        #expect(known.matches(update))
    }
}
