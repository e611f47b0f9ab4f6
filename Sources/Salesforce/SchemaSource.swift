import Events
import PubSub

/// Asks the Pub/Sub API for writer schemas.
package struct SchemaSource: Sendable {
    /// Why a schema cannot be had, now or ever.
    package enum Failure: Error, Sendable {
        /// Asking again gives the same answer: the event cannot be decoded.
        case permanent(String)
        case temporary(String)
    }

    private let calls: any PubSubCalls
    private let authenticator: Authenticator

    package init(calls: any PubSubCalls, authenticator: Authenticator) {
        self.calls = calls
        self.authenticator = authenticator
    }

    /// The Avro JSON of a schema. Not yet checked against its ID.
    package func schemaJSON(_ id: String) async throws(Failure) -> String {
        let session = try await session(after: nil)
        do throws(StreamFailure) {
            return try await calls.schema(id, session).schemaJSON
        } catch {
            // A token may end while its streams live on: renew it, and keep them and the undecoded events.
            guard error.reaction == .renewSession else { throw Self.failure(error, id) }
        }
        return try await retried(id, self.session(after: session))
    }

    private func session(after refused: Session?) async throws(Failure) -> Session {
        do throws(SignInError) {
            guard let refused else { return try await authenticator.session() }
            return try await authenticator.renewed(after: refused)
        } catch {
            throw .temporary("\(error)")
        }
    }

    private func retried(_ id: String, _ session: Session) async throws(Failure) -> String {
        do throws(StreamFailure) {
            return try await calls.schema(id, session).schemaJSON
        } catch {
            throw Self.failure(error, id)
        }
    }

    private static func failure(_ error: StreamFailure, _ id: String) -> Failure {
        // `service.…` is about the org and not about this schema: events wait for it rather than being put aside.
        if case .stopTopic(let fix) = error.reaction, !error.mayBeProxys, !error.reason.hasPrefix("service.") {
            return .permanent("cannot get schema \(id): \(error). \(fix)")
        }
        return .temporary("cannot get schema \(id): \(error)")
    }
}
