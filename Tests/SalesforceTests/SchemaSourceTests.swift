import Events
import PubSub
import Synchronization
import Testing

@testable import Salesforce

@Suite struct SchemaSourceTests {
    @Test func `a token that has ended is renewed and the call repeated, once`() async throws {
        let calls = ScriptedSchemas([.failure(Self.refused), .success("{}")])
        #expect(try await source(calls).schemaJSON("s") == "{}")
        #expect(calls.sessions == [session(1), session(2)])
        let again = ScriptedSchemas([.failure(Self.refused), .failure(Self.refused)])
        await #expect { try await source(again).schemaJSON("s") } throws: { Self.isTemporary($0) }
        #expect(again.sessions.count == 2)
    }

    @Test(arguments: ["schema.meta.permission (PERMISSION_DENIED)", "NOT_FOUND: no such schema"])
    func `what is about the schema does not pass`(reason: String) async {
        let failure = StreamFailure(reaction: .stopTopic(fix: "Mend it."), reason: reason)
        await #expect { try await source(ScriptedSchemas([.failure(failure)])).schemaJSON("s") } throws: {
            !Self.isTemporary($0)
        }
    }

    @Test func `what is about the whole org puts no event aside`() async {
        let failure = StreamFailure(
            reaction: .stopTopic(fix: "Mend it."), reason: "service.tenant.license (PERMISSION_DENIED)")
        await #expect { try await source(ScriptedSchemas([.failure(failure)])).schemaJSON("s") } throws: {
            Self.isTemporary($0)
        }
    }

    private static let refused = StreamFailure(reaction: .renewSession, reason: "service.auth.error")

    private static func isTemporary(_ error: any Error) -> Bool {
        if case .temporary? = error as? SchemaSource.Failure { return true }
        return false
    }

    private func source(_ calls: ScriptedSchemas) -> SchemaSource {
        let counter = Counter()
        return SchemaSource(
            calls: calls, authenticator: Authenticator { () async throws(SignInError) in session(counter.next()) })
    }
}

/// GetSchema, from a script.
private final class ScriptedSchemas: PubSubCalls {
    private let state: Mutex<(answers: [Result<String, StreamFailure>], sessions: [Session])>

    init(_ answers: [Result<String, StreamFailure>]) { state = Mutex((answers, [])) }

    var sessions: [Session] { state.withLock { $0.sessions } }

    func schema(_ id: String, _ session: Session) async throws(StreamFailure) -> SchemaInfo {
        let answer = state.withLock { state in
            state.sessions.append(session)
            return state.answers.removeFirst()
        }
        return SchemaInfo(schemaJSON: try answer.get(), schemaID: id)
    }

    func subscribe(_ session: Session) async throws(StreamFailure) -> any FetchStream {
        throw StreamFailure(reaction: .reconnect(minimum: .zero), reason: "not in this script")
    }

    func topic(_ name: String, _ session: Session) async throws(StreamFailure) -> TopicInfo { TopicInfo(topicName: name) }
}
