import Events
import Testing

@testable import Rules

/// Conditions, `let`, our functions: true, false, unknown and fault.
@Suite struct ConditionTests {
    private func outcome(_ condition: String, _ event: Event, lets: String = "{}") throws -> String {
        let set = try Fixture.ruleSet(
            """
            - id: one
              match: {entity: Account, change: [create, update, delete]}
              let: \(lets)
              when: |
                \(condition)
              to: {destination: hook, body: {}}
            """)
        return set.routeByScan(event, now: Fixture.time + 1000).outcomes.first?.kind.rawValue ?? "false"
    }

    private let update = Fixture.change(
        .update, changed: ["StageName", "BillingAddress.City"], nulled: ["Phone"],
        [
            "StageName": .string("Closed Won"), "Phone": .null, "Amount": .double(12_000), "Count": .int(3),
            "BillingAddress": .record(["City": .string("Ghent")]), "Due": .timestamp(1_795_316_430_000),
        ])

    @Test(arguments: [
        ("record.StageName == 'Closed Won'", "matched"),
        ("record.StageName == 'Open'", "false"),
        ("record.StageName != 'Open'", "matched"),
        ("record.Name == 'x'", "unknown"),
        ("record.Name != 'x'", "unknown"),
        ("!(record.Name == 'x')", "unknown"),
        ("record.Name == 'x' || record.StageName == 'Closed Won'", "matched"),
        ("record.Name == 'x' && record.StageName == 'Open'", "false"),
        ("record.Phone == null", "matched"),
        ("record.Phone > 5", "unknown"),
        ("record.Phone.startsWith('0')", "unknown"),
        ("has(record.Phone) && !has(record.Name)", "matched"),
        ("record.?Name.orDefault('x') == 'x' && record.?Phone.orDefault('y') == 'y'", "matched"),
        ("record.?Phone.orValue('y') == null", "matched"),
        ("record.Amount * 2 > 1", "fault"),
        ("record.Amount > 2", "matched"),
        ("record.Amount * 2.0 == 24000", "matched"),
        ("record.Count / 0 == 1", "fault"),
        ("record.BillingAddress.City == 'Ghent'", "matched"),
        ("record.BillingAddress.Street == 'x'", "unknown"),
        ("record.?BillingAddress.?Street.orDefault('-') == '-'", "matched"),
        ("record.Due < now && record.Due.getFullYear() == 2026", "matched"),
        ("'StageName' in header.changedFields", "matched"),
        ("event.change == 'update' && header.changeType == 'UPDATE' && org.alias == 'prod'", "matched"),
        ("record['Stage' + 'Name'] == 'Closed Won'", "matched"),
        ("record.BillingAddress == {'City': 'Ghent'} && {'City': 'Ghent'} == record.BillingAddress", "matched"),
        ("record.BillingAddress == {'City': 'Ghent', 'Street': null}", "false"),
        ("[record.BillingAddress] == [{'City': 'Ghent'}]", "matched"),
        ("record.exists(k, k == 'Amount')", "matched"),
        ("rule.id == 'one' && recordId.startsWith('001')", "matched"),
    ]) func `decides`(_ condition: String, _ expected: String) throws {
        #expect(try outcome(condition, update) == expected)
    }

    @Test(arguments: [
        ("changed('StageName')", "matched"), ("changed('Name', 'Phone')", "matched"), ("changed('Name')", "false"),
        ("changed('BillingAddress')", "matched"), ("changed('BillingAddress.City')", "matched"),
        ("changed('BillingAddress.Street')", "false"),
        ("changedTo('StageName', 'Closed Won')", "matched"), ("changedTo('StageName', 'Open')", "false"),
        ("changedTo('Amount', 12000.0)", "false"), ("changedTo('Phone', null)", "matched"),
        ("cleared('Phone')", "matched"), ("cleared('StageName', 'Name')", "false"),
        ("known('Phone') && !known('Name') && known('BillingAddress.City')", "matched"),
        ("known('BillingAddress.Street')", "false"),
    ]) func `knows what an update changed`(_ condition: String, _ expected: String) throws {
        #expect(try outcome(condition, update) == expected)
    }

    @Test(arguments: [
        ("changed('StageName')", "matched"), ("changed('Phone')", "false"), ("cleared('Phone')", "false"),
        ("changedTo('StageName', 'Closed Won')", "matched"), ("changed('Name')", "false"),
    ]) func `takes fields with a value as changed by a create`(_ condition: String, _ expected: String) throws {
        let create = Fixture.change(.create, ["StageName": .string("Closed Won"), "Phone": .null])
        #expect(try outcome(condition, create) == expected)
    }

    @Test func `finds nothing changed in a delete`() throws {
        #expect(try outcome("changed('StageName')", Fixture.change(.delete, ["StageName": .string("x")])) == "false")
    }

    @Test(arguments: [
        ("sf.id18('001A0000006Vm9r') == '001A0000006Vm9rIAC'", "matched"),
        ("sf.id15('001A0000006Vm9rIAC') == '001A0000006Vm9r'", "matched"),
        ("sf.sameId('001A0000006Vm9r', '001A0000006Vm9rIAC')", "matched"),
        ("sf.sameId('001A0000006Vm9r', '001a0000006Vm9rIAC')", "matched"),
        ("sf.sameId('001A0000006Vm9r', '001a0000006Vm9r' + record.?None.orDefault(''))", "false"),
        ("sf.id18('001a0000006vm9riac') == '001A0000006Vm9rIAC'", "matched"),
        ("sf.id15('001A0000006VM9RIAC') == '001A0000006Vm9r'", "matched"),
        ("sf.id18(record.?None.orDefault('001A0000006Vm9rIZZ')) == ''", "fault"),
        ("ts(record.?None.orDefault(9223372036854775807)) > now", "fault"),
        ("sf.id18(record.Phone) == null", "matched"),
        ("sf.id18(record.?None.orDefault('nonsense')) == ''", "fault"),
        ("ts('2026-01-31T12:00:00.000+0000') == timestamp('2026-01-31T12:00:00Z')", "matched"),
        ("ts(0) == timestamp('1970-01-01T00:00:00Z') && ts(record.Phone) == null", "matched"),
        ("timestamp('2026-01-31T23:30:00Z').date('Europe/Berlin') == '2026-02-01'", "matched"),
        ("json(pick(record, ['Phone', 'Count', 'None'])) == '{\"Phone\":null,\"Count\":3}'", "matched"),
        ("size(drop(record, ['Phone'])) == size(record) - 1", "matched"),
        ("json(merge({'a': 1, 'b': 1}, {'b': 2})) == '{\"a\":1,\"b\":2}'", "matched"),
        ("sha256('abc') == 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'", "matched"),
        ("urlEncode('a b/ü') == 'a%20b%2F%C3%BC'", "matched"),
        ("'x'.matches('^[a-z]$')", "matched"),
    ]) func `computes`(_ condition: String, _ expected: String) throws {
        #expect(try outcome(condition, update) == expected)
    }

    @Test func `evaluates a let when it is used, from earlier ones, and passes on what it ended in`() throws {
        let lets = "{big: record.Amount > 100.0, both: let.big && changed('StageName'), bad: record.Count / 0}"
        #expect(try outcome("let.both", update, lets: lets) == "matched")
        #expect(try outcome("let.bad == 1", update, lets: lets) == "fault")
        #expect(try outcome("let.big || let.bad == 1", update, lets: lets) == "matched")
        #expect(try outcome("let.gone", update, lets: "{gone: record.Name == 'x'}") == "unknown")
    }

    @Test func `says where a condition was decided, and never a value`() throws {
        let set = try Fixture.ruleSet(
            """
            - id: one
              match: {entity: Account, change: update}
              when: |
                changed('StageName')
                  && record.Secret__c == 'x'
              to: {destination: hook, body: {}}
            """)
        let cause = try #require(set.routeByScan(update, now: 0).outcomes.first?.cause)
        #expect("\(cause)" == "rules.yaml:16:17: 'Secret__c' is absent: the event does not tell it")
    }

    @Test func `ends an evaluation that costs too much as a fault`() throws {
        // Lint refuses what is sure to cost too much; the length of this list it cannot tell.
        let wide = "'1,2,3,4,5,6,7,8,9,10'.split(',')"
        let condition =
            "\(wide).all(a, \(wide).all(b, \(wide).all(c, a + b + c != '' && c + b + a != '' && a + b != c)))"
        #expect(try outcome(condition, update) == "fault")
    }

    @Test func `an extra condition of a delivery only concerns that delivery`() throws {
        let set = try Fixture.ruleSet(
            """
            - id: one
              match: {entity: Account, change: update}
              to:
                - {destination: hook, when: "record.StageName == 'Open'", body: {n: 1}}
                - {destination: hook, when: "record.Amount > 1.0", body: {n: 2}}
                - {destination: hook, when: "record.Name == ''", body: {n: 3}}
            """)
        let result = set.route(update)
        #expect(result.deliveries.map { String(decoding: $0.body, as: UTF8.self) } == [#"{"n":2}"#])
        #expect(result.outcomes.map(\.kind) == [.matched, .unknown])
        #expect(result.outcomes.last?.deliveryIndex == 2)
    }
}
