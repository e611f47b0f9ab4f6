import Curl
import Events
import TestSupport
import Testing

@testable import SalesforceREST

@Suite struct RecordReaderTests {
    @Test func `values come with the types and names of change events`() async throws {
        let org = TestOrg { request throws(TransportError) in
            request.url.hasSuffix("/describe") ? json(accountDescribe) : json(accountRecord)
        }
        let record = try #require(try await reader(org).read(entity: "Account", id: "001000000000001AAA", fields: nil))
        #expect(
            record == [
                "Name": .string("Acme"), "NumberOfEmployees": .int(12), "AnnualRevenue": .double(5),
                "Active__c": .bool(true), "Due__c": .string("2026-02-01"), "Opens__c": .string("08:30:00.000"),
                "LastModifiedDate": .timestamp(1_769_860_800_000), "Fax": .null,
                "BillingAddress": .record([
                    "Street": .string("1 Main"), "City": .string("Rome"), "State": .null, "PostalCode": .null,
                    "Country": .string("Italy"), "Latitude": .double(41), "Longitude": .double(12.5),
                    "GeocodeAccuracy": .string("Zip"),
                ]),
                "Site__c": .record(["Latitude": .double(1.5), "Longitude": .double(-2)]),
            ])
    }

    @Test func `a person's name is a record of its parts, and a company's is text`() async throws {
        let describe = """
            {"name":"Contact","fields":[{"name":"Id","type":"id"},
             {"name":"Name","type":"string","compoundFieldName":"Name"},
             {"name":"Salutation","type":"picklist","compoundFieldName":"Name"},
             {"name":"FirstName","type":"string","compoundFieldName":"Name"},
             {"name":"LastName","type":"string","compoundFieldName":"Name"}]}
            """
        let org = TestOrg { request throws(TransportError) in
            if request.url.hasSuffix("/describe") { return json(describe) }
            return request.url.contains("003000000000001AAA")
                ? json(
                    #"{"Id":"003000000000001AAA","Name":"Ann Lee","Salutation":null,"FirstName":"Ann","LastName":"Lee"}"#
                )
                : json(#"{"Id":"003000000000002AAA","Name":"Acme","Salutation":null,"FirstName":null,"LastName":null}"#)
        }
        let reader = reader(org)
        let person = try await reader.read(entity: "Contact", id: "003000000000001AAA", fields: ["Name.LastName"])
        #expect(
            person == [
                "Name": .record(["Salutation": .null, "FirstName": .string("Ann"), "LastName": .string("Lee")])
            ])
        #expect(org.calls.last?.contains("fields=Id%2CName%2CSalutation%2CFirstName%2CLastName") == true)
        let company = try await reader.read(entity: "Contact", id: "003000000000002AAA", fields: ["Name"])
        #expect(company == ["Name": .string("Acme")])
    }

    @Test(arguments: ["NOT_FOUND", "ENTITY_IS_DELETED"])
    func `a record that is gone is nil`(code: String) async throws {
        let org = TestOrg { request throws(TransportError) in
            request.url.hasSuffix("/describe") ? json(accountDescribe) : refusal(404, code)
        }
        #expect(try await reader(org).read(entity: "Account", id: "001000000000001AAA", fields: ["Fax"]) == nil)
    }

    @Test func `an object that the user may not see is an error, not a record that is gone`() async {
        let org = TestOrg { _ throws(TransportError) in
            refusal(404, "NOT_FOUND", "The requested resource does not exist")
        }
        await #expect {
            try await reader(org).read(entity: "Acount", id: "001000000000001AAA", fields: nil)
        } throws: { "\($0)".contains("cannot describe Acount: HTTP 404 NOT_FOUND") }
    }

    @Test func `a wanted field that is not described is asked for once more, and then absent`() async throws {
        let org = TestOrg { request throws(TransportError) in
            request.url.hasSuffix("/describe") ? json(accountDescribe) : json(#"{"Id":"1","Fax":null}"#)
        }
        let reader = reader(org)
        let record = try await reader.read(entity: "Account", id: "001000000000001AAA", fields: ["Fax", "New__c"])
        #expect(record == ["Fax": .null])
        org.time.advance(by: .seconds(61))
        _ = try await reader.read(entity: "Account", id: "001000000000001AAA", fields: ["Fax", "New__c"])
        #expect(org.calls.count { $0.hasSuffix("/describe") } == 2)
    }

    @Test func `a read never joins one that is under way, and reads that wait become one call`() async throws {
        let http = HeldHTTP()
        let client = RESTClient(authenticator: TestOrg.authenticator(), http: http)
        let reader = RecordReader(client, describes: DescribeCache(client), concurrency: 1)
        async let first = reader.read(entity: "Account", id: "a", fields: ["Fax"])
        await http.waitFor(1)
        http.answerFirst { _ in json(accountDescribe) }
        await http.waitFor(1)
        #expect(http.held[0].url.contains("/sobjects/Account/a?"))
        async let again = reader.read(entity: "Account", id: "a", fields: ["Fax"])
        async let same = reader.read(entity: "Account", id: "a", fields: ["Fax"])
        async let other = reader.read(entity: "Account", id: "b", fields: ["Fax"])
        async let gone = reader.read(entity: "Account", id: "c", fields: ["Fax"])
        while await reader.waitingCount < 5 { await Task.yield() }
        http.answerFirst { _ in json(#"{"Id":"a","Fax":"old"}"#) }
        await http.waitFor(1)
        #expect(http.held[0].url.hasSuffix("/composite/sobjects/Account") && http.held[0].method == "POST")
        http.answerFirst { request in
            let ids = (try? JSONReader.parse(request.body))?.list("ids")?.compactMap(\.text) ?? []
            return json(
                "[" + ids.map { $0 == "c" ? "null" : #"{"Id":"\#($0)","Fax":"new \#($0)"}"# }.joined(separator: ",")
                    + "]")
        }
        #expect(try await first == ["Fax": .string("old")])
        #expect(try await [again, same] == [["Fax": .string("new a")], ["Fax": .string("new a")]])
        #expect(try await other == ["Fax": .string("new b")])
        #expect(try await gone == nil)
        #expect(http.seen == 3)
    }

    @Test func `calls at once are bounded`() async throws {
        let http = HeldHTTP()
        let client = RESTClient(authenticator: TestOrg.authenticator(), http: http)
        let reader = RecordReader(client, describes: DescribeCache(client), concurrency: 2)
        async let warm = reader.read(entity: "Account", id: "w", fields: ["Fax"])
        await http.waitFor(1)
        http.answerFirst { _ in json(accountDescribe) }
        await http.waitFor(1)
        http.answerFirst { _ in json(#"{"Id":"w","Fax":"w"}"#) }
        _ = try await warm
        try await withThrowingTaskGroup(of: Void.self) { group in
            for field in ["Fax", "Name", "Active__c", "Due__c", "Opens__c", "Id"] {
                group.addTask { _ = try await reader.read(entity: "Account", id: "x", fields: [field]) }
            }
            for _ in 0..<3 {
                await http.waitFor(2)
                for _ in 0..<2 { http.answerFirst { _ in json(#"{"Id":"x"}"#) } }
            }
            try await group.waitForAll()
        }
        #expect(http.mostAtOnce == 2)
    }

    @Test func `a read that is cancelled returns at once`() async throws {
        let http = HeldHTTP()
        let client = RESTClient(authenticator: TestOrg.authenticator(), http: http)
        let reader = RecordReader(client, describes: DescribeCache(client))
        let task = Task { try await reader.read(entity: "Account", id: "a", fields: nil) }
        await http.waitFor(1)
        task.cancel()
        await #expect { try await task.value } throws: { ($0 as? RESTError)?.kind == .cancelled }
        http.answerFirst { _ in refusal(404, "NOT_FOUND") }
    }

    @Test func `one ID that Salesforce cannot read does not spoil the others`() async throws {
        let org = TestOrg { request throws(TransportError) in
            if request.method == "POST" { return refusal(400, "MALFORMED_ID") }
            return request.url.contains("/bad")
                ? refusal(400, "MALFORMED_ID", "bad id") : json(#"{"Id":"good","Fax":"1"}"#)
        }
        let describes = TestOrg { _ throws(TransportError) in json(accountDescribe) }
        let outcomes = await RecordFetch(client: org.client, describes: DescribeCache(describes.client)).outcomes(
            entity: "Account", ids: ["good", "bad"], fields: ["Fax"])
        #expect(try outcomes["good"]?.get() == ["Fax": .string("1")])
        #expect(throws: RESTError.self) { try outcomes["bad"]?.get() }
    }

    private func reader(_ org: TestOrg) -> RecordReader {
        RecordReader(org.client, describes: DescribeCache(org.client))
    }
}

let accountDescribe = """
    {"name":"Account","label":"Account","keyPrefix":"001","queryable":true,"fields":[
    {"name":"Id","type":"id"},{"name":"IsDeleted","type":"boolean"},{"name":"Name","type":"string"},
    {"name":"NumberOfEmployees","type":"int"},{"name":"AnnualRevenue","type":"currency"},
    {"name":"Active__c","type":"boolean"},{"name":"Due__c","type":"date"},{"name":"Opens__c","type":"time"},
    {"name":"LastModifiedDate","type":"datetime"},{"name":"SystemModstamp","type":"datetime"},
    {"name":"Fax","type":"phone"},{"name":"BillingStreet","type":"textarea","compoundFieldName":"BillingAddress"},
    {"name":"BillingCity","type":"string","compoundFieldName":"BillingAddress"},
    {"name":"BillingAddress","type":"address"},{"name":"Site__c","type":"location"},
    {"name":"Site__Latitude__s","type":"double","compoundFieldName":"Site__c"}]}
    """

private let accountRecord = """
    {"attributes":{"type":"Account","url":"/services/data/v62.0/sobjects/Account/001000000000001AAA"},
    "Id":"001000000000001AAA","Name":"Acme","NumberOfEmployees":12,"AnnualRevenue":5,"Active__c":true,
    "Due__c":"2026-02-01","Opens__c":"08:30:00.000Z","LastModifiedDate":"2026-01-31T12:00:00.000+0000","Fax":null,
    "BillingAddress":{"city":"Rome","country":"Italy","geocodeAccuracy":"Zip","latitude":41,"longitude":12.5,
    "postalCode":null,"state":null,"street":"1 Main"},"Site__c":{"latitude":1.5,"longitude":-2}}
    """
