import Events
import Testing

@testable import RuleTests

@Suite struct FixtureTests {
    @Test func `a recorded event is a test's event, its types and its time included`() async throws {
        let header = ChangeEventHeader(
            entityName: "Account", recordIds: ["001000000000001AAA"], changeType: .update, changeOrigin: "",
            transactionKey: "t", sequenceNumber: 1, commitTimestamp: 1_767_225_600_000, commitNumber: 1,
            commitUser: "005000000000001AAA", nulledFields: [], diffFields: [], changedFields: ["Rating"])
        let event = Event(
            id: "e", kind: .change, entity: "Account", topic: "/data/AccountChangeEvent",
            replayID: ReplayID([0, 1])!, schemaID: "s", time: 1_767_225_600_000, receivedAt: 1_767_225_600_500,
            header: header, recordID: "001000000000001AAA",
            record: KnownFields(["Rating": .string("Hot"), "Revenue": .double(5)]), org: SuiteReader.defaultOrg)
        let folder = try TestFolder.accounts(
            when: "record.Rating == 'Hot' && record.Revenue / 2.0 == 2.5 && now == event.time",
            tests: """
                  - name: recorded
                    event: {fixture: recorded/hot.json}
                    expect: {matched: [hot-account]}

                """)
        try folder.write(String(decoding: RecordedEvent(event).json, as: UTF8.self), to: "recorded/hot.json")
        let report = try await folder.run()
        #expect(report.verdict == .passed, "\(report.text)")
    }
}
