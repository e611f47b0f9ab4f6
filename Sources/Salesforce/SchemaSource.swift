import Events
import PubSub

/// Writer schemas by ID. They never change, so each is fetched once per process, and once ever where a store keeps them.
package actor SchemaSource {
    /// Where schemas are kept between processes.
    package struct Storage: Sendable {
        package var load: @Sendable (String) async -> String?
        package var save: @Sendable (_ id: String, _ json: String) async -> Void

        package init(
            load: @escaping @Sendable (String) async -> String?,
            save: @escaping @Sendable (_ id: String, _ json: String) async -> Void
        ) {
            self.load = load
            self.save = save
        }
    }

    /// Why a schema cannot be had, now or ever.
    package enum Failure: Error, Sendable {
        /// Asking again gives the same answer: the event cannot be decoded.
        case permanent(String)
        case temporary(String)
    }

    private let calls: any PubSubCalls
    private let authenticator: Authenticator
    private let storage: Storage

    package init(calls: any PubSubCalls, authenticator: Authenticator, storage: Storage) {
        self.calls = calls
        self.authenticator = authenticator
        self.storage = storage
    }

    /// The Avro JSON of a schema. Not yet checked against its ID.
    package func schemaJSON(_ id: String) async throws(Failure) -> String {
        if let stored = await storage.load(id) { return stored }
        let json = try await fetch(id)
        await storage.save(id, json)
        return json
    }

    private func fetch(_ id: String) async throws(Failure) -> String {
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
        if case .stopTopic(let fix) = error.reaction {
            return .permanent("cannot get schema \(id): \(error). \(fix)")
        }
        return .temporary("cannot get schema \(id): \(error)")
    }
}
