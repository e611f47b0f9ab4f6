import Curl
import Events
import Logging
import Salesforce
import SalesforceREST
import Synchronization
import Testing
import TestSupport

@testable import Relay

/// The org's delivery allocation, looked at from time to time.
@Suite(.timeLimit(.minutes(5))) struct DeliveryUseTests {
    private final class Limits: Sendable {
        private let answer = Mutex<(status: Int, body: String)>((200, ""))

        func show(used: Int) {
            let body = #"{"DailyDeliveredPlatformEvents":{"Max":100,"Remaining":\#(100 - used)}}"#
            answer.withLock { $0 = (200, body) }
        }

        func refuse() { answer.withLock { $0 = (400, #"[{"errorCode":"INVALID_SESSION","message":"no"}]"#) } }

        var response: HTTPResponse { answer.withLock { HTTPResponse(status: $0.status, body: Array($0.body.utf8)) } }
    }

    @Test func `looks that fail end neither the watch nor what was seen, until that is old`() async throws {
        let (limits, time) = (Limits(), ManualTime())
        let http = ScriptedHTTP { _ throws(TransportError) in limits.response }
        let authenticator = Authenticator(time: time.source) { () async throws(SignInError) in
            Session(
                accessToken: Secret("token"), instanceURL: IngestBench.org.instanceURL, orgID: OrgID(IngestBench.org.id)!)
        }
        let use = DeliveryUse(
            org: "prod", client: RESTClient(authenticator: authenticator, http: http, time: time.source),
            monitor: RelayMonitor(time: time.source), log: .quiet)
        limits.show(used: 100)
        let watching = Task { await use.run() }
        /// Lets it look so many times in all.
        func look(_ count: Int) async {
            while http.requests.count < count || time.slept.count < count { await Task.yield() }
        }
        await look(1)
        #expect(await use.isUsedUp)
        #expect(await use.brake != nil)
        limits.refuse()
        time.advance(by: DeliveryUse.interval)
        await look(2)
        #expect(await use.isUsedUp, "ten minutes later that is still what is known")
        time.advance(by: DeliveryUse.maximumAge)
        await look(3)
        #expect(await !use.isUsedUp)
        #expect(await use.brake == nil, "nothing waits for ever for what was seen once")
        limits.show(used: 95)
        time.advance(by: DeliveryUse.interval)
        await look(4)
        #expect(await use.brake?.contains("95 %") == true)
        watching.cancel()
        await watching.value
    }
}
