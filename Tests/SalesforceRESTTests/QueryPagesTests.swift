import Curl
import Events
import TestSupport
import Testing

@testable import SalesforceREST

@Suite struct QueryPagesTests {
    @Test func `pages follow one another, and no other is read ahead`() async throws {
        let org = TestOrg { request throws(TransportError) in
            request.url.hasSuffix("/query/01g-2")
                ? json(#"{"totalSize":3,"done":true,"records":[{"attributes":{"type":"A"},"Id":"3"}]}"#)
                : json(
                    #"{"totalSize":3,"done":false,"nextRecordsUrl":"/services/data/v62.0/query/01g-2","records":[{"Id":"1"},{"Id":"2"}]}"#
                )
        }
        var pages = try org.client.query("SELECT Id FROM A", batchSize: 100).makeAsyncIterator()
        let first = try #require(try await pages.next(isolation: nil))
        #expect(first.records == [["Id": .string("1")], ["Id": .string("2")]] && first.totalSize == 3 && !first.isLast)
        #expect(org.calls == ["GET /query?q=SELECT%20Id%20FROM%20A"])
        #expect(try await pages.next(isolation: nil)?.records == [["Id": .string("3")]])
        #expect(try await pages.next(isolation: nil) == nil)
        #expect(org.http.requests.allSatisfy { $0.headers.contains(.init("Sforce-Query-Options", "batchSize=200")) })
    }

    @Test func `a cursor that expired says how far the query came`() async throws {
        let org = TestOrg { request throws(TransportError) in
            request.url.contains("01g")
                ? refusal(404, "INVALID_QUERY_LOCATOR", "invalid query locator")
                : json(
                    #"{"totalSize":3,"done":false,"nextRecordsUrl":"/services/data/v62.0/query/01g-1","records":[{"Id":"1"}]}"#
                )
        }
        var pages = try org.client.query("SELECT Id FROM A").makeAsyncIterator()
        _ = try await pages.next(isolation: nil)
        await #expect {
            _ = try await pages.next(isolation: nil)
        } throws: { ($0 as? RESTError)?.kind == .cursorExpired && "\($0)".contains("query A (after 1 records)") }
    }

    @Test func `a query that is too long for an address is refused before it is sent`() {
        let org = TestOrg { _ throws(TransportError) in json("{}") }
        let fields = (0..<700).map { "Some_Custom_Field_\($0)__c" }.joined(separator: ",")
        #expect { try org.client.query("SELECT \(fields) FROM A") } throws: { "\($0)".contains("FIELDS(STANDARD)") }
    }

    @Test func `children become a list, unless some are missing`() {
        let record = try! JSONReader.parse(
            #"{"attributes":{},"C":{"done":true,"totalSize":1,"records":[{"attributes":{},"Id":"c"}]},"D":{"done":false,"nextRecordsUrl":"/x","records":[]}}"#
        )
        #expect(
            RecordTree.plain(record.fields!) == [
                "C": .list([.record(["Id": .string("c")])]),
                "D": .record(["done": .bool(false), "nextRecordsUrl": .string("/x"), "records": .list([])]),
            ])
    }

    @Test(arguments: [
        ("SELECT Id FROM Account", "Account"),
        ("select Id, (SELECT Id FROM Contacts) from Account where x=1", "Account"),
        ("nonsense", "records"),
    ])
    func `errors name the object of the query`(soql: String, object: String) {
        #expect(RESTClient.object(of: soql) == object)
    }
}

@Suite struct KeysetPagesTests {
    @Test func `each page begins after the last ID, and a short page is the last`() async throws {
        let org = TestOrg { request throws(TransportError) in
            json(
                request.url.contains("%27b%27")
                    ? #"{"done":true,"records":[{"Id":"c","LastModifiedDate":"2026-01-31T12:00:00.000+0000"}]}"#
                    : #"{"done":true,"records":[{"Id":"a","LastModifiedDate":null},{"Id":"b","LastModifiedDate":null}]}"#
            )
        }
        var request = KeysetPages.Request(entity: "Account", fields: ["LastModifiedDate"])
        request.filter = "Active__c = true OR Fax = null"
        request.pageSize = 2
        let pages = try KeysetPages(org.client, request, description: account())
        var ids: [[String]] = []
        var last: Fields?
        for try await page in pages {
            ids.append(page.ids)
            last = page.records.last
        }
        #expect(ids == [["a", "b"], ["c"]])
        #expect(last == ["LastModifiedDate": .timestamp(1_769_860_800_000)])
        #expect(org.calls.count == 2)
        #expect(
            org.calls[1].contains(
                "WHERE%20%28Active__c%20%3D%20true%20OR%20Fax%20%3D%20null%29%20AND%20Id%20%3E%20%27b%27"))
    }

    @Test func `records too wide for an address are read by their IDs`() async throws {
        let fields = (0..<500).map { #"{"name":"Some_Custom_Field_\#($0)__c","type":"string"}"# }.joined(separator: ",")
        let wide = try #require(
            ObjectDescription(
                try JSONReader.parse(#"{"name":"Account","fields":[{"name":"Id","type":"id"},\#(fields)]}"#)))
        let org = TestOrg { request throws(TransportError) in
            request.method == "POST"
                ? json(#"[{"Id":"a","Some_Custom_Field_7__c":"seven"},null]"#)
                : json(#"{"done":true,"records":[{"Id":"a"},{"Id":"b"}]}"#)
        }
        var pages = try KeysetPages(org.client, .init(entity: "Account", fields: nil), description: wide)
            .makeAsyncIterator()
        let page = try await pages.next(isolation: nil)
        #expect(page?.ids == ["a"] && page?.records == [["Some_Custom_Field_7__c": .string("seven")]])
    }

    @Test func `a name that could break out of the query is refused`() throws {
        let org = TestOrg { _ throws(TransportError) in json("{}") }
        #expect(throws: RESTError.self) {
            try KeysetPages(org.client, .init(entity: "Account WHERE x", fields: nil), description: try account())
        }
    }
}

func account() throws -> ObjectDescription { try #require(ObjectDescription(try JSONReader.parse(accountDescribe))) }

@Suite struct SOQLTests {
    @Test func `text is escaped`() {
        #expect(SOQL.quoted(#"O'Neil\ "x""# + "\n") == #"'O\'Neil\\ "x"\n'"#)
        #expect(SOQL.list(["a", "b'"]) == #"('a','b\'')"#)
        #expect(SOQL.searchText("a-b (c)?") == #"a\-b \(c\)\?"#)
    }

    @Test(arguments: [
        ("Id", true), ("Owner.Name", true), ("sfy24__A__c", true), ("a b", false), ("", false), ("a.", false),
        ("1a", false),
    ])
    func `names are told from other text`(text: String, isName: Bool) { #expect(SOQL.isName(text) == isName) }
}
