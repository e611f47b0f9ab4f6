import Avro
import Events
import Testing

@testable import Emulator

@Suite struct EmulatedSchemaTests {
    static let stamp = CommitStamp(
        transactionKey: "0000abcd-1111-2222-3333-444455556666", sequenceNumber: 2, timestamp: 1_771_300_995_000,
        number: 12_279_648_331_300, user: "005Dp000001AbCdIAK", origin: "com/salesforce/api/rest/66.0;client=test")

    @Test(arguments: SalesforceSchemas.all)
    func `the schema parses, and its fingerprint is its ID`(schema: EmulatedSchema) throws {
        let parsed = try Schema(json: schema.json)
        #expect(parsed.fingerprint == schema.id)
        #expect(schema.id.count == 22)
        #expect(parsed.rootRecord?.fields.count == schema.fields.count + schema.firstIndex)
        #expect(parsed.rootRecord?.fullName == "com.sforce.eventbus.\(schema.name)")
    }

    @Test func `an update decodes to what was written, its bitmaps naming changed and nulled fields`() throws {
        let change = EmulatedChange(
            entity: "Account", recordIDs: ["001Dp0000010000IAA", "001Dp0000010001IAA"],
            fields: [
                "Phone": .null, "AnnualRevenue": .double(1234.5), "NumberOfEmployees": .int(-7),
                "ShippingAddress": .record(["Street": .string("Kai 1"), "State": .null]),
            ])
        let decoded = try decode(change, SalesforceSchemas.account)
        let header = try #require(decoded["ChangeEventHeader"]?.fields)
        #expect(header["entityName"] == .string("Account"))
        #expect(header["recordIds"] == .list([.string("001Dp0000010000IAA"), .string("001Dp0000010001IAA")]))
        #expect(header["changeType"] == .string("UPDATE"))
        #expect(header["sequenceNumber"] == .int(2))
        #expect(header["commitNumber"] == .int(12_279_648_331_300))
        // 7 Phone, 13 AnnualRevenue, 14 NumberOfEmployees, 23 LastModifiedDate; 6 ShippingAddress: 0 Street, 2 State.
        #expect(header["changedFields"] == .list([.string("0x806080"), .string("6-0x05")]))
        #expect(header["nulledFields"] == .list([.string("0x80"), .string("6-0x04")]))
        #expect(header["diffFields"] == .list([]))
        #expect(decoded["Phone"] == .null)
        #expect(decoded["AnnualRevenue"] == .double(1234.5))
        #expect(decoded["NumberOfEmployees"] == .int(-7))
        #expect(decoded["LastModifiedDate"] == .int(Self.stamp.timestamp))
        #expect(decoded["ShippingAddress"]?.fields?["Street"] == .string("Kai 1"))
    }

    @Test func `a create tells its values and no bitmaps`() throws {
        let change = EmulatedChange(
            entity: "Account", change: .create, recordIDs: ["001Dp0000010000IAA"],
            fields: ["Name": .string("Übung & Söhne"), "Last_Audit__c": .string("2026-11-22")])
        let decoded = try decode(change, SalesforceSchemas.account)
        #expect(decoded["ChangeEventHeader"]?.fields?["changedFields"] == .list([]))
        #expect(decoded["Name"] == .string("Übung & Söhne"))
        #expect(decoded["Last_Audit__c"] == .int(1_795_305_600_000))
        #expect(decoded["CreatedById"] == .string(Self.stamp.user))
    }

    @Test func `a person account's name is a record`() throws {
        let change = EmulatedChange(
            entity: "Account", recordIDs: ["001Dp0000010000IAA"],
            fields: ["Name": .record(["LastName": .string("Ng")])])
        let decoded = try decode(change, SalesforceSchemas.account)
        #expect(decoded["Name"]?.fields?["LastName"] == .string("Ng"))
        #expect(
            decoded["ChangeEventHeader"]?.fields?["changedFields"]
                == .list([.string("0x800000"), .string("1-0x04")]))
    }

    @Test(arguments: [ChangeType.delete, .gapUpdate, .gapOverflow])
    func `deletes and gaps have only a header`(type: ChangeType) throws {
        let change = EmulatedChange(
            entity: "Account", change: type, recordIDs: [EmulatedChange.overflowID],
            fields: ["Name": .string("never seen")])
        let decoded = try decode(change, SalesforceSchemas.account)
        let rest = decoded.fields.dropFirst().filter { $0.value != .null }
        #expect(rest.isEmpty)
        #expect(decoded["ChangeEventHeader"]?.fields?["changeType"] == .string(type.symbol))
    }

    @Test func `enriched fields have values but no bits`() throws {
        let change = EmulatedChange(
            entity: "Account", recordIDs: ["001Dp0000010000IAA"], fields: ["Phone": .string("1")],
            enriched: ["AccountNumber": .string("A-1")])
        let decoded = try decode(change, SalesforceSchemas.account)
        #expect(decoded["AccountNumber"] == .string("A-1"))
        #expect(decoded["ChangeEventHeader"]?.fields?["changedFields"] == .list([.string("0x800080")]))
    }

    @Test func `a platform event has its dates and no header`() throws {
        let change = EmulatedChange(entity: "Order_Ready__e", fields: ["Quantity__c": .int(5), "Rush__c": .bool(true)])
        let decoded = try decode(change, SalesforceSchemas.orderReady)
        #expect(decoded["CreatedDate"] == .int(Self.stamp.timestamp))
        #expect(decoded["Quantity__c"] == .double(5))
        #expect(decoded["Rush__c"] == .bool(true))
    }

    private static let mistakes: [(fields: Fields, name: String)] = [
        (["Nope__c": .int(1)], "Nope__c"), (["Phone": .int(1)], "Phone"),
        (["NumberOfEmployees": .int(3_000_000_000)], "NumberOfEmployees"),
        (["BillingAddress": .record(["Planet": .null])], "BillingAddress.Planet"),
        (["Last_Audit__c": .string("2026-02-30")], "Last_Audit__c"),
    ]

    @Test(arguments: mistakes)
    func `a wrong field or type is refused by name`(fields: Fields, name: String) {
        let change = EmulatedChange(entity: "Account", recordIDs: ["001Dp0000010000IAA"], fields: fields)
        do throws(EmulatorError) {
            _ = try SalesforceSchemas.account.encode(change, stamp: Self.stamp)
            Issue.record("\(name) was accepted")
        } catch {
            #expect(error.description.contains(name))
        }
    }

    private func decode(_ change: EmulatedChange, _ schema: EmulatedSchema) throws -> Fields {
        let payload = try schema.encode(change, stamp: Self.stamp)
        return try #require(try AvroDecoder(Schema(json: schema.json)).value(payload).fields)
    }
}

extension Value {
    var fields: Fields? { if case .record(let fields) = self { fields } else { nil } }
}
