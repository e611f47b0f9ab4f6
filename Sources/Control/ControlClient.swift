import Events
import FoundationEssentials
import Relay

/// Asks the running daemon.
package struct ControlClient: Sendable {
    /// Of an answer.
    static let maximumAnswerBytes = 256 << 20
    /// Of one line of a stream.
    static let maximumLineBytes = 64 << 20

    private let socket: ControlSocket
    private let patience: ControlPatience
    private let time: TimeSource

    package init(_ socket: ControlSocket, patience: ControlPatience = .standard, time: TimeSource = .system) {
        self.socket = socket
        self.patience = patience
        self.time = time
    }

    package var isListening: Bool { socket.isListening }

    /// - Throws: `.environment` if this user may not ask a relay there.
    package func checkAccess() throws(ControlError) {
        guard socket.isForbidden else { return }
        throw ControlError(
            .environment, "this user may not look into \(socket.folder), where a relay would listen: ask as the relay's own user.")
    }

    /// - Throws: what the route threw; `.environment` if nobody answers, or a relay that does not live on.
    package func answer<Request: Encodable, Answer: Decodable>(
        route: String, _ request: Request, as _: Answer.Type = Answer.self
    ) async throws(ControlError) -> Answer {
        guard let body = try? JSONEncoder().encode(request) else {
            preconditionFailure("a request of \(route) has no JSON form")
        }
        let bytes = try await answer(route: route, Array(body))
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(bytes))
        } catch {
            throw ControlError(
                .failed, "\(route): the running relay answers in another form than this version of sluice expects")
        }
    }

    /// JSON in, JSON out.
    ///
    /// - Parameter isChange: what is asked changes something, so an error says if it may be done all the same.
    package func answer(
        route: String, _ request: [UInt8], isChange: Bool = false
    ) async throws(ControlError) -> [UInt8] {
        var bytes: [UInt8] = []
        try await exchange(route, request, isChange: isChange) { part in
            guard bytes.count + part.count <= Self.maximumAnswerBytes else {
                throw ControlError(.failed, "\(route): the answer is larger than \(Self.maximumAnswerBytes >> 20) MiB")
            }
            bytes += part
            return true
        }
        return bytes
    }

    /// Calls `take` with each line of a stream until it returns false, or the relay ends.
    package func lines(
        of stream: String, _ request: some Encodable, _ take: ([UInt8]) throws -> Bool
    ) async throws(ControlError) {
        guard let body = try? JSONEncoder().encode(request) else {
            preconditionFailure("a request of \(stream) has no JSON form")
        }
        var rest: [UInt8] = []
        try await exchange(stream, Array(body)) { part in
            rest += part
            var start = 0
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                if end > start, try !take(Array(rest[start..<end])) { return false }
                start = end + 1
            }
            rest.removeFirst(start)
            guard rest.count <= Self.maximumLineBytes else {
                throw ControlError(.failed, "\(stream): a line is longer than \(Self.maximumLineBytes >> 20) MiB")
            }
            return true
        }
    }

    /// - Parameter take: gets the body of a good answer, piece by piece; returns false when it has enough.
    private func exchange(
        _ route: String, _ body: [UInt8], isChange: Bool = false, _ take: ([UInt8]) throws -> Bool
    ) async throws(ControlError) {
        switch socket.connect(within: patience.answer) {
        case .nobody: throw ControlError(.environment, "no relay answers at \(socket.path)")
        case .full: throw silent(route, RelayProcess(id: nil))
        case .connected(let descriptor, let process):
            do {
                let exchange = try await ControlExchange(descriptor)
                async let _: Void = watch(exchange)
                try await exchange.run(route, body, take)
            } catch let error as ControlError {
                throw error
            } catch is ControlExchange.GivenUp {
                var error = silent(route, process)
                if isChange { error.message += " What was asked may still be done once it goes on." }
                throw error
            } catch {
                throw ControlError(.environment, "the running relay broke off '\(route)': \(error)")
            }
        }
    }

    // MARK: Silence

    /// Gives the exchange up once nothing has come for a while and the relay answers no other connection either. What
    /// takes long, and a tap on a quiet topic, may be silent as long as they like while the relay lives.
    private func watch(_ exchange: ControlExchange) async {
        while true {
            let before = exchange.partCount
            guard (try? await time.sleep(patience.quiet)) != nil else { return }
            guard exchange.partCount == before else { continue }
            let lives = await isAlive()
            if Task.isCancelled { return }
            if !lives, exchange.partCount == before { return exchange.giveUp() }
        }
    }

    /// Whatever it says: a relay that does not know the route lives too.
    private func isAlive() async -> Bool {
        guard case .connected(let descriptor, _) = socket.connect(within: patience.answer),
            let exchange = try? await ControlExchange(descriptor)
        else { return false }
        async let _: Void = giveUp(exchange, after: patience.answer)
        try? await exchange.run(ControlRoute.ping.name, Array("{}".utf8)) { _ in true }
        return exchange.partCount > 0
    }

    private func giveUp(_ exchange: ControlExchange, after limit: Duration) async {
        guard (try? await time.sleep(limit)) != nil else { return }
        exchange.giveUp()
    }

    private func silent(_ route: String, _ process: RelayProcess) -> ControlError {
        let seconds = (patience.quiet + patience.answer).components.seconds
        return ControlError(
            .environment,
            """
            cannot get an answer to '\(route)' at \(socket.path): \(process) accepts connections there, and has said \
            nothing for \(seconds) s. \(process.advice)
            """)
    }
}
