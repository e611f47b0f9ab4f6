import Curl
import Events
import PubSub
import Salesforce
import SalesforceREST
import Synchronization
import Testing
import TestSupport

@testable import Relay

/// What is written into an org, and what it takes for an answer.
@Suite struct OrgWriterTests {
    /// An org with one platform event, which an admin may add a field to.
    private final class Org: PubSubConnection {
        private let state = Mutex((hasNote: false, published: 0, asked: 0))

        var published: Int { state.withLock { $0.published } }
        var asked: Int { state.withLock { $0.asked } }

        func addNote() { state.withLock { $0.hasNote = true } }

        func topic(_ name: String, _ session: Session) async throws(StreamFailure) -> TopicInfo {
            let hasNote = state.withLock { state in
                state.asked += 1
                return state.hasNote
            }
            return TopicInfo(topicName: name, canPublish: true, schemaID: hasNote ? "s2" : "s1")
        }

        func schema(_ id: String, _ session: Session) async throws(StreamFailure) -> SchemaInfo {
            let note = id == "s2" ? #",{"name":"Note__c","type":["null","string"],"default":null}"# : ""
            return SchemaInfo(
                schemaJSON: """
                    {"name":"Order_Done__e","namespace":"com.sforce.eventbus","type":"record","fields":[
                    {"name":"CreatedDate","type":"long"},{"name":"CreatedById","type":"string"}\(note)]}
                    """, schemaID: id)
        }

        func publish(_ request: PublishRequest, _ session: Session) async throws(StreamFailure) -> PublishResponse {
            state.withLock { $0.published += request.events.count }
            return PublishResponse(
                results: request.events.enumerated().map {
                    PublishResult(replayID: Make.replayID($0 + 1), correlationKey: $1.id)
                }, schemaID: request.events.first?.schemaID ?? "")
        }

        func subscribe(_ session: Session) async throws(StreamFailure) -> any FetchStream { throw Self.unused }
        func subscribe(
            _ session: Session, managed: ManagedSubscription
        ) async throws(StreamFailure) -> any ManagedFetchStream { throw Self.unused }
        func close() async {}

        private static let unused = StreamFailure(reaction: .reconnect(minimum: .zero), reason: "not scripted")
    }

    @Test func `a field that was added to an event since its schema was read is found before anything is parked`() async throws {
        let (org, time) = (Org(), ManualTime())
        let authenticator = Authenticator { () async throws(SignInError) in
            Session(
                accessToken: Secret("token"), instanceURL: IngestBench.org.instanceURL, orgID: OrgID(IngestBench.org.id)!)
        }
        let http = ScriptedHTTP { _ throws(TransportError) in HTTPResponse(status: 500) }
        let writer = OrgWriter(
            rest: RESTClient(authenticator: authenticator, http: http, time: time.source),
            publishers: PublisherCache(client: org, authenticator: authenticator, time: time.source))
        func publish(_ fields: Fields) async -> AttemptOutcome? {
            let kind = SalesforceWrite.Kind.publish(event: "Order_Done__e")
            let write = SalesforceWrite(
                kind: kind, key: "", fields: fields, delivery: "sl_1", method: "POST", path: "/", body: [])
            return await writer.save(kind, [write]).first
        }
        let note: Fields = ["Note__c": .string("x")]
        guard case .delivered = await publish([:]) else {
            Issue.record("an event without fields is published")
            return
        }
        guard case .park = await publish(note) else {
            Issue.record("it has no such field")
            return
        }
        org.addNote()
        // So soon after it was read the schema is not asked for again.
        guard case .park = await publish(note) else {
            Issue.record("it is kept for a minute")
            return
        }
        #expect(org.asked == 1)
        time.advance(by: OrgWriter.freshSchema + .seconds(1))
        guard case .delivered = await publish(note) else {
            Issue.record("the field is known by now")
            return
        }
        #expect(org.published == 2 && org.asked == 2)
    }
}
