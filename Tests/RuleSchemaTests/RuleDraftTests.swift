import Events
import FoundationEssentials
import RuleTests
import Rules
import Testing

@testable import RuleSchema

/// What `rules init` writes is clean, and passes the test that it writes beside it.
@Suite struct RuleDraftTests {
    static let kinds = Destination.Kind.allCases.filter { $0 != .salesforce }

    private static func change(
        _ type: ChangeType, entity: String = "Opportunity", id: String = "006000000000001AAA", changed: [String] = [],
        nulled: [String] = [], _ fields: Fields = Fields()
    ) -> Event {
        let header = ChangeEventHeader(
            entityName: entity, recordIds: [id], changeType: type, changeOrigin: "", transactionKey: "000f07d5",
            sequenceNumber: 1, commitTimestamp: 1_795_316_430_000, commitNumber: 1, commitUser: "005000000000001AAA",
            nulledFields: nulled, diffFields: [], changedFields: changed)
        return event(entity, header: header, id: id, fields)
    }

    private static func event(_ entity: String, header: ChangeEventHeader?, id: String, _ fields: Fields) -> Event {
        Event(
            id: "e-1", kind: header == nil ? .platform : .change, entity: entity, topic: "/data/ChangeEvents",
            replayID: ReplayID([0, 0, 1])!, schemaID: "s", time: 1_795_316_430_000, receivedAt: 1_795_316_431_000,
            header: header, recordID: id, record: KnownFields(fields),
            org: Org(id: "00D000000000001EAA", alias: "prod", instanceURL: "", isSandbox: false))
    }

    private static let fields: Fields = [
        "StageName": .string("Closed Won"), "Amount": .double(1200), "NextStep": .null, "IsWon": .bool(true),
        "CloseDate": .string("2026-11-22"), "LastModifiedDate": .timestamp(1_795_316_430_000),
        "BillingAddress": .record(["City": .string("Ghent: \"#1\"")]),
        "sfy24__Planned_Start__c": .timestamp(1_795_316_430_000),
        "Name__c": .string("Zürich\n${x}"), "Name": .string("N"),
    ]

    static let samples: [Event] = [
        change(
            .update, changed: ["StageName", "Amount", "BillingAddress.City", "LastModifiedDate"], nulled: ["NextStep"],
            fields),
        change(.create, fields), change(.undelete, fields), change(.delete, ["Name": .string("N")]), change(.delete),
        change(.gapUpdate), change(.gapOverflow, id: ""), change(.update, changed: ["LastModifiedDate"]),
        change(.create, entity: "sfy24__ProductionOrder__c", ["sfy24__Status__c": .string("Released")]),
        event(
            "Order_Ready__e", header: nil, id: "", ["Order_Number__c": .string("SO-1"), "Line_Count__c": .double(3)]),
    ]

    @Test(arguments: samples.indices, kinds)
    func `the draft is clean and passes its test`(index: Int, kind: Destination.Kind) async throws {
        try await check(try RuleDraft(entity: nil, sample: Self.samples[index], schema: nil, kind: kind))
    }

    @Test(arguments: kinds)
    func `a name is enough`(kind: Destination.Kind) async throws {
        for entity in ["Account", "sfy24__ProductionOrder__c", "Order_Ready__e"] {
            try await check(try RuleDraft(entity: entity, sample: nil, schema: nil, kind: kind))
        }
    }

    @Test func `a snapshot of the org gives fields, types and values`() async throws {
        let schema = try OrgSchema(folder: Package.path("Tests/RulesTests/Corpus/schema"))
        for entity in schema.entities.keys.sorted() {
            let draft = try RuleDraft(entity: entity, sample: nil, schema: schema, kind: .webhook)
            try await check(draft)
            let text = try draft.files()[0].text
            let report = Lint.check(
                [RuleSource(path: "a.yaml", bytes: Array(text.utf8))], options: Lint.Options(schema: schema))
            #expect(report.text == "")
        }
        let opportunity = try RuleDraft(entity: "Opportunity", sample: nil, schema: schema, kind: .webhook).files()[0]
            .text
        #expect(opportunity.contains("stageName: ${record.?StageName} # one of "), "\(opportunity)")
    }

    @Test func `the rule takes the fields that changed`() throws {
        let text = try RuleDraft(entity: nil, sample: Self.samples[0], schema: nil, kind: .webhook).files()[0].text
        #expect(text.hasPrefix("# yaml-language-server: $schema=./sluice-rules-1.json\n"))
        for line in [
            "      entity: Opportunity", "        - StageName", "        - BillingAddress.City", "        - NextStep",
            "        stageName: ${record.?StageName} # text",
            "        nextStep: ${record.?NextStep} # empty in the sample",
            "        plannedStart: ${record.?sfy24__Planned_Start__c} # a time",
            "        name: ${record.?Name__c} # text",
            "        Name: ${record.?Name} # text",
        ] { #expect(text.contains(line + "\n"), "\(line) in \(text)") }
        #expect(!text.contains("LastModifiedDate"))
    }

    @Test func `what cannot be drafted is said`() {
        #expect(throws: RuleDraft.Problem.self) {
            try RuleDraft(entity: "Account", sample: Self.samples[0], schema: nil, kind: .webhook)
        }
        #expect(throws: RuleDraft.Problem.self) { try RuleDraft(entity: nil, sample: nil, schema: nil, kind: .webhook) }
        #expect(throws: RuleDraft.Problem.self) {
            try RuleDraft(entity: "Account x: y", sample: nil, schema: nil, kind: .webhook).files()
        }
        #expect(throws: RuleDraft.Problem.self) {
            let schema = try OrgSchema(folder: Package.path("Tests/RulesTests/Corpus/schema"))
            _ = try RuleDraft(entity: "Nobody__c", sample: nil, schema: schema, kind: .webhook)
        }
    }

    private func check(_ draft: RuleDraft) async throws {
        let folder = FileManager.default.temporaryDirectory.path() + "/sluice-draft-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let files = try draft.files()
        for file in files { try Data(file.text.utf8).write(to: URL(filePath: "\(folder)/\(file.name)")) }
        let lint = try Lint.check(paths: [folder])
        #expect(lint.text == "", "\(files[0].text)")
        let report = try await RuleTester().run(paths: [folder])
        #expect(report.verdict == .passed && report.tests == 2, "\(report.text)\n\(files.map(\.text))")
        for (file, schema) in zip(files, [FileSchema.rules(), .tests()]) {
            let value = SchemaAgreementTests.value(of: Array(file.text.utf8)) ?? .null
            if file.name.hasSuffix(".test.yaml") { continue }
            #expect(SchemaValidator(schema.value).problems(in: value) == [])
        }
    }
}
