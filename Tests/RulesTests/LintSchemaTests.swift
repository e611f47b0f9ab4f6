import CEL
import Foundation
import Testing

@testable import Rules

@Suite struct LintSchemaTests {
    private static let snapshot = CorpusTests.folder + "/schema"

    @Test func `event schemas give fields, components and types`() throws {
        let account = try #require(try OrgSchema(folder: Self.snapshot).entities["Account"])
        #expect(account.fields.map(\.name).prefix(3) == ["Name", "BillingAddress", "ShippingAddress"])
        #expect(account.field("Phone")?.type == .string)
        #expect(account.field("NumberOfEmployees")?.type == .int)
        #expect(account.field("LastModifiedDate")?.type == .timestamp)
        #expect(account.field("ShippingAddress.Latitude")?.type == .double)
        #expect(account.field("Name")?.type == .dyn)
        #expect(account.field("Name.FirstName")?.type == .string)
        #expect(account.field("ChangeEventHeader") == nil && account.field("Phone.X") == nil)
    }

    @Test func `describe answers give picklists and what may be empty`() throws {
        let opportunity = try #require(try OrgSchema(folder: Self.snapshot).entities["Opportunity"])
        #expect(opportunity.field("StageName")?.picklist == ["Prospecting", "Closed Won", "Closed Lost"])
        #expect(opportunity.field("Amount")?.type == .double)
        #expect(opportunity.field("Amount")?.mayBeNull == true && opportunity.field("Name")?.mayBeNull == false)
        #expect(opportunity.field("AccountId")?.referenceTo == ["Account"])
    }

    @Test func `components of a describe answer have the names that events give them`() {
        #expect(DescribedEntity.component("BillingCity", of: "BillingAddress") == "City")
        #expect(DescribedEntity.component("Place__Latitude__s", of: "Place__c") == "Latitude")
        #expect(DescribedEntity.component("FirstName", of: "Name") == "FirstName")
    }

    @Test(arguments: [
        ("sfy24__ProductionOrder__ChangeEvent", "sfy24__ProductionOrder__c"), ("AccountChangeEvent", "Account"),
        ("Order_Ready__e", "Order_Ready__e"),
    ])
    func `event schemas are of the objects that they tell of`(name: String, entity: String) throws {
        let schema = #"{"type":"record","name":"\#(name)","fields":[{"name":"A","type":"string"}]}"#
        #expect(try AvroEntity.read(Array(schema.utf8), path: "a.avsc").name == entity)
    }

    @Test func `two files about one object complete each other`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-schema-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        try write(
            "Lead.avsc",
            #"{"name":"LeadChangeEvent","fields":[{"name":"Rating","type":["null","string"],"#
                + #""doc":"Data:DynamicEnum"}]}"#
        )
        try write(
            "Lead.json",
            #"{"name":"Lead","fields":[{"name":"Rating","type":"picklist","nillable":true,"#
                + #""picklistValues":[{"value":"Hot","active":true}]},{"name":"Only","type":"string"}]}"#)
        let lead = try #require(try OrgSchema(folder: folder.path).entities["Lead"])
        #expect(lead.fields.map(\.name) == ["Rating"])
        #expect(lead.field("Rating")?.picklist == ["Hot"])
        try write("Broken.json", "{")
        let error = #expect(throws: OrgSchemaError.self) { try OrgSchema(folder: folder.path) }
        #expect(error?.description.contains("Broken.json: it is not JSON") == true)
        #expect(throws: OrgSchemaError.self) { try OrgSchema(folder: "/nonexistent") }
    }

    @Test func `the examples fit the snapshot where it knows their objects`() throws {
        let schema = try OrgSchema(folder: Self.snapshot)
        for name in ["example-platform-event"] {
            let bytes = Array(try Data(contentsOf: URL(filePath: "\(CorpusTests.folder)/\(name).yaml")))
            let report = Lint.check([RuleSource(path: name, bytes: bytes)], options: Lint.Options(schema: schema))
            #expect(report.findings.isEmpty, "\(report.text)")
        }
    }
}
