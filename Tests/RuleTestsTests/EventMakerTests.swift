import Avro
import ChangeEvents
import Documents
import Events
import Testing

@testable import RuleTests

@Suite struct EventMakerTests {
    private let schema = """
        {"type":"record","name":"AccountChangeEvent","namespace":"com.sforce.eventbus","fields":[
        {"name":"ChangeEventHeader","type":{"type":"record","name":"ChangeEventHeader","fields":[
        {"name":"entityName","type":"string"},
        {"name":"recordIds","type":{"type":"array","items":"string"}},
        {"name":"changeType","type":{"type":"enum","name":"ChangeType","symbols":["CREATE","UPDATE"]}},
        {"name":"changeOrigin","type":"string"},{"name":"transactionKey","type":"string"},
        {"name":"sequenceNumber","type":"int"},{"name":"commitTimestamp","type":"long"},
        {"name":"commitNumber","type":"long"},{"name":"commitUser","type":"string"},
        {"name":"nulledFields","type":{"type":"array","items":"string"}},
        {"name":"diffFields","type":{"type":"array","items":"string"}},
        {"name":"changedFields","type":{"type":"array","items":"string"}}]}},
        {"name":"Name","type":["null","string"],"doc":"Data:EntityName:00N"},
        {"name":"Employees","type":["null","int"],"doc":"Data:Integer:00N"},
        {"name":"Revenue","type":["null","double"],"doc":"Data:Currency:00N"},
        {"name":"LastModifiedDate","type":["null","long"],"doc":"Data:DateTime:00N"},
        {"name":"BillingAddress","type":["null",{"type":"record","name":"Address","fields":[
        {"name":"City","type":["null","string"]},{"name":"Street","type":["null","string"]}]}]}]}
        """

    private func events(_ event: String, withSchema: Bool = false) throws -> [Event] {
        let text = "sluice: 1\ntests:\n  - name: x\n    event: \(event)\n    expect: {matched: []}\n"
        let findings = FindingList()
        let file = CheckedYAML(path: "t", bytes: Array(text.utf8), table: TestKeys.file, findings: findings)
        let root = try #require(file.root)
        let node = try #require(root["tests"]?.elements.first?["event"])
        var typing = FieldTyping()
        if withSchema {
            let parsed = try Schema(json: schema)
            typing.add(try EventSchema(parsed, id: parsed.fingerprint))
        }
        var maker = EventMaker(org: SuiteReader.defaultOrg, typing: typing)
        return try maker.events(node, now: 1_000)
    }

    @Test func `an update tells what it changed, null for what it cleared, and nothing else`() throws {
        let event = try #require(
            try events(
                """
                {entity: Account, change: update, ids: [a], changed: {Name: X, Site: null},
                     record: {Fax: null, Type: T}}
                """
            ).first)
        #expect(event.header?.changedFields == ["Name", "Site"])
        #expect(event.header?.nulledFields == ["Site"])
        #expect(event.record.known() == ["Type": .string("T"), "Name": .string("X"), "Site": .null])
        #expect(event.change == "update")
        #expect(event.topic == "/data/AccountChangeEvent")
    }

    @Test func `a component is changed by its own name, and leaves its siblings untold`() throws {
        let event = try #require(
            try events("{entity: X__c, change: update, ids: [a], changed: {BillingAddress: {City: Ghent, Street: null}}}")
                .first)
        #expect(event.header?.changedFields == ["BillingAddress.City", "BillingAddress.Street"])
        #expect(event.header?.nulledFields == ["BillingAddress.Street"])
        let dotted = try #require(
            try events("{entity: X__c, change: update, ids: [a], changed: {BillingAddress.City: Ghent}}").first)
        #expect(dotted.header?.changedFields == ["BillingAddress.City"])
        #expect(dotted.record.value(at: ["BillingAddress", "City"]) == .string("Ghent"))
        #expect(event.topic == "/data/X__ChangeEvent")
        #expect(event.record.value(at: ["BillingAddress", "Country"]) == nil)
    }

    @Test func `merged ids become one event each, with all ids in the header`() throws {
        let all = try events("{entity: Account, change: delete, ids: [a, b, a], record: {Name: N, Site: null}}")
        #expect(all.map(\.recordID) == ["a", "b"])
        #expect(all.allSatisfy { $0.header?.recordIds == ["a", "b"] })
        #expect(all[0].record.known() == ["Name": .string("N")])
    }

    @Test func `gaps tell nothing, and an overflow names no record`() throws {
        let gap = try #require(try events("{entity: Account, change: gap_update, ids: [a]}").first)
        #expect(gap.change == "gap" && gap.record.known().isEmpty)
        let overflow = try #require(try events("{entity: Account, change: overflow}").first)
        #expect(overflow.change == "overflow" && overflow.recordID.isEmpty)
        #expect(overflow.header?.recordIds == ["000000000000000AAA"])
    }

    @Test func `without a schema plain numbers are doubles and plain times are times`() throws {
        let event = try #require(
            try events("{event: A__e, record: {N: 5, T: 2026-01-01T00:00:00Z, Q: '5', D: 2026-01-01, B: true}}").first)
        #expect(
            event.record.known() == [
                "N": .double(5), "T": .timestamp(1_767_225_600_000), "Q": .string("5"), "D": .string("2026-01-01"),
                "B": .bool(true),
            ])
    }

    @Test func `a schema says the types, and what a create does not list is empty`() throws {
        let event = try #require(
            try events(
                "{entity: Account, change: create, ids: [a], record: {Revenue: 5, Employees: 5, Name: 77}}",
                withSchema: true
            ).first)
        #expect(
            event.record.known() == [
                "Name": .string("77"), "Employees": .int(5), "Revenue": .double(5), "LastModifiedDate": .null,
                "BillingAddress": .null,
            ])
    }

    @Test func `a field that the schema does not have is found`() {
        #expect {
            try events("{entity: Account, change: update, ids: [a], changed: {Nmae: X}}", withSchema: true)
        } throws: { error in
            let problem = error as? FieldTyping.Problem
            return problem?.message == "Account has no field 'Nmae' in its schema"
                && problem?.hint == "did you mean 'Name'?"
        }
    }
}
