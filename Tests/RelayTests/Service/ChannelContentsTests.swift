import Curl
import Events
import Salesforce
import SalesforceREST
import Testing
import TestSupport

@testable import Relay

/// What of a channel Salesforce leaves out for a user.
@Suite struct ChannelContentsTests {
    /// - Parameters:
    ///   - seen: objects of which the user has View All Records.
    ///   - permissions: of the user as a whole, as the fields of a permission set are called.
    private func withheld(_ selected: [String], seen: [String], permissions: Set<String> = []) async -> [String] {
        let authenticator = Authenticator { () async throws(SignInError) in
            Session(
                accessToken: Secret("token"), instanceURL: IngestBench.org.instanceURL,
                orgID: OrgID("00D000000000001EAA")!)
        }
        let http = ScriptedHTTP { request throws(TransportError) in
            let soql = SOQLText(request.url).text
            if soql.contains("FROM PlatformEventChannelMember") {
                return Self.rows(selected.map { #"{"SelectedEntity":"\#($0)ChangeEvent","Id":"0v8"}"# })
            }
            if soql.contains("FROM ObjectPermissions") { return Self.rows(seen.map { #"{"SobjectType":"\#($0)"}"# }) }
            let has = permissions.contains { soql.contains("\($0) = true") }
            return Self.rows(has ? [#"{"Id":"0PS"}"#] : [])
        }
        let rest = RESTClient(authenticator: authenticator, http: http, time: ManualTime().source)
        let contents = await ChannelReader(rest).contents(of: "/data/ChangeEvents", userID: "005000000000001AAA")
        #expect(contents.doubt.isEmpty && contents.carried == selected.sorted(), "\(contents)")
        return contents.withheld
    }

    private static func rows(_ records: [String]) -> HTTPResponse {
        let body = #"{"totalSize":\#(records.count),"done":true,"records":[\#(records.joined(separator: ","))]}"#
        return HTTPResponse(status: 200, body: Array(body.utf8))
    }

    @Test func `users are seen by those who may view all users`() async {
        #expect(await withheld(["Account", "User"], seen: ["Account"]) == ["User"])
        #expect(await withheld(["Account", "User"], seen: ["Account"], permissions: ["PermissionsViewAllUsers"]) == [])
    }

    @Test func `tasks are seen only by those who may view all data`() async {
        #expect(await withheld(["Task"], seen: ["Task"]) == ["Task"])
        #expect(await withheld(["Task", "Case"], seen: [], permissions: ["PermissionsViewAllData"]) == [])
    }
}
