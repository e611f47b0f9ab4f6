import Curl
import Events
import TestSupport
import Testing

@testable import SalesforceREST

@Suite struct BulkQueryTests {
    @Test func `a job is started, waited for and read page by page`() async throws {
        let polls = Steps()
        let org = TestOrg { request throws(TransportError) in
            if request.method == "POST" { return json(#"{"id":"750","state":"UploadComplete"}"#) }
            if request.url.contains("/results") {
                let isSecond = request.url.contains("locator=MTA")
                return HTTPResponse(
                    status: 200,
                    headers: [
                        .init("Sforce-Locator", isSecond ? "null" : "MTA"), .init("Sforce-NumberOfRecords", "1"),
                    ], body: Array((isSecond ? "Id,Name\n2,\"a \"\"b\"\", c\nd\"\n" : "Id,Name\r\n1,\r\n").utf8))
            }
            return json(
                #"{"id":"750","state":"\#(polls.next() < 3 ? "InProgress" : "JobComplete")","numberRecordsProcessed":2}"#
            )
        }
        let bulk = BulkQuery(org.client)
        let job = try await bulk.start("SELECT Id,Name FROM Account")
        #expect(try await bulk.finished(job.id).recordsProcessed == 2)
        let first = try await bulk.page(job.id, locator: nil)
        #expect(Array(first.rows) == [["1", ""]] && first.nextLocator == "MTA")
        let second = try await bulk.page(job.id, locator: first.nextLocator)
        #expect(Array(second.rows) == [["2", "a \"b\", c\nd"]] && second.nextLocator == nil)
        #expect(org.time.slept == [.seconds(1), .milliseconds(1500)])
    }

    @Test func `a job that failed says why`() async {
        let org = TestOrg { _ throws(TransportError) in
            json(#"{"id":"750","state":"Failed","errorMessage":"InvalidBatch : Failed to process query"}"#)
        }
        await #expect {
            try await BulkQuery(org.client).finished("750")
        } throws: { "\($0)".contains("Failed to process query") }
    }

    @Test func `a page that is too long is asked for in halves`() async throws {
        let org = TestOrg { request throws(TransportError) in
            request.url.contains("maxRecords=2500")
                ? HTTPResponse(status: 200, body: Array("Id\n1\n".utf8))
                : HTTPResponse(status: 200, bodyIsTruncated: true)
        }
        #expect(try await BulkQuery(org.client).page("750", locator: nil).count == 1)
        #expect(org.calls.count == 3)
    }

    @Test(arguments: ["Id,Name\n1\n", "Id,Name\n1,\"open\n"])
    func `a page that is cut short is an error`(csv: String) async {
        let org = TestOrg { _ throws(TransportError) in HTTPResponse(status: 200, body: Array(csv.utf8)) }
        await #expect { try await BulkQuery(org.client).page("750", locator: nil) } throws: {
            ($0 as? RESTError)?.kind == .unreadable
        }
    }

    @Test func `rows become what a change event would have`() throws {
        let normalizer = RecordNormalizer(try account(), fields: nil)
        #expect(normalizer.columns.prefix(3) == ["Id", "Name", "NumberOfEmployees"])
        #expect(normalizer.columns.contains("BillingStreet") && !normalizer.columns.contains("BillingAddress"))
        let record = normalizer.normalized(
            columns: [
                "Id", "Name", "NumberOfEmployees", "AnnualRevenue", "Active__c", "LastModifiedDate", "Fax",
                "BillingStreet", "BillingCity", "Site__Latitude__s",
            ],
            row: ["1", "Acme", "12", "5", "true", "2026-01-31T12:00:00.000Z", "", "1 Main", "", ""])
        #expect(
            record == [
                "Name": .string("Acme"), "NumberOfEmployees": .int(12), "AnnualRevenue": .double(5),
                "Active__c": .bool(true), "LastModifiedDate": .timestamp(1_769_860_800_000), "Fax": .null,
                "BillingAddress": .record(["Street": .string("1 Main"), "City": .null]), "Site__c": .null,
            ])
    }
}
