import Control
import Events
import FoundationEssentials
import Relay
import Settings
import Store

/// Asks the running relay, or, while none runs, answers from the store by the same routes.
struct ControlCaller: Sendable {
    let configuration: Configuration
    let client: ControlClient
    private let writes: Bool
    private let makesStore: Bool
    private let local: @Sendable (Store) async throws -> [ControlRoute]

    /// - Parameters:
    ///   - writes: the question changes something: without a relay, the store is opened for writing, and no relay can start
    ///     meanwhile.
    ///   - makesStore: what is written may be the first of a store. Otherwise there is nothing that it could change.
    ///   - local: the routes that this command needs, over the store.
    init(
        _ options: ConfigurationOption, writes: Bool = false, makesStore: Bool = true,
        local: @escaping @Sendable (Store) async throws -> [ControlRoute]
    ) throws {
        configuration = try options.configuration()
        client = ControlClient(ControlSocket(storePath: configuration.storePath))
        self.writes = writes
        self.makesStore = makesStore
        self.local = local
        do { try client.checkAccess() } catch { throw CommandFailure(error) }
    }

    func answer<Request: Encodable, Answer: Decodable>(
        route: String, request: Request, as _: Answer.Type = Answer.self
    ) async throws -> Answer {
        guard let body = try? JSONEncoder().encode(request) else {
            preconditionFailure("a request of \(route) has no JSON form")
        }
        let bytes = try await answer(route: route, bytes: Array(body))
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(bytes)) else {
            throw CommandFailure(
                .failed, "\(route): the running relay answers in another form than this version of sluice expects.")
        }
        return answer
    }

    /// JSON in, JSON out.
    func answer(route: String, bytes: [UInt8]) async throws -> [UInt8] {
        do {
            if client.isListening { return try await client.answer(route: route, bytes, isChange: writes) }
            return try await answerLocally(route, bytes)
        } catch let error as ControlError {
            throw CommandFailure(error)
        } catch let error as StoreError {
            throw CommandFailure(.environment, "\(error)")
        }
    }

    private func answerLocally(_ name: String, _ bytes: [UInt8]) async throws -> [UInt8] {
        let path = configuration.storePath
        if writes, !makesStore { try Store(readingPath: path).close() }
        let store =
            writes ? try Store(path: path, command: "sluice \(name)", wall: TimeSource.system.wall())
            : try Store(readingPath: path)
        guard let route = try await local(store).first(where: { $0.name == name }) else {
            throw ControlError(.environment, "no relay is running at this store, and without one this cannot be answered")
        }
        do {
            let answer = try await route.answer(bytes)
            try store.close()
            return answer
        } catch {
            try? store.close()
            throw error
        }
    }
}

extension CommandFailure {
    init(_ error: ControlError) {
        switch error.kind {
        case .badInput: self.init(.badInput, error.message)
        case .failed: self.init(.failed, error.message)
        case .environment: self.init(.environment, error.message)
        }
    }
}
