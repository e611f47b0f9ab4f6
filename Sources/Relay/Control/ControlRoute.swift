import FoundationEssentials

/// One question about the relay, answered by the daemon over its socket, or by the command itself on the store while no
/// daemon runs: the same code either way.
package struct ControlRoute: Sendable {
    /// Words joined by full stops: `dlq.list`.
    package let name: String
    /// It changes something: a relay that is stopping refuses it.
    package let isChange: Bool
    /// JSON in, JSON out.
    package let answer: @Sendable (_ request: [UInt8]) async throws(ControlError) -> [UInt8]

    package init(
        _ name: String, isChange: Bool = false,
        answer: @escaping @Sendable ([UInt8]) async throws(ControlError) -> [UInt8]
    ) {
        self.name = name
        self.isChange = isChange
        self.answer = answer
    }

    package init<Request: Decodable & SendableMetatype, Answer: Encodable & SendableMetatype>(
        _ name: String, isChange: Bool = false, _ answer: @escaping @Sendable (Request) async throws(ControlError) -> Answer
    ) {
        self.init(name, isChange: isChange) { bytes async throws(ControlError) in
            let request: Request
            do {
                request = try JSONDecoder().decode(Request.self, from: Data(bytes))
            } catch {
                throw ControlError(.badInput, "\(name): the request is not what this version of sluice expects")
            }
            let answered = try await answer(request)
            guard let data = try? JSONEncoder().encode(answered) else {
                preconditionFailure("the answer of \(name) has no JSON form")
            }
            return Array(data)
        }
    }

    /// Whether the relay lives, for a command that waits for another answer.
    package static let ping = ControlRoute("ping") { (_: EmptyRequest) async throws(ControlError) in EmptyRequest() }
}

/// Why a question was not answered: what was tried, on what, why it failed, what to do.
package struct ControlError: Error, Sendable, Codable, CustomStringConvertible {
    package enum Kind: String, Sendable, Codable {
        /// Exit 2.
        case badInput
        /// Exit 1.
        case failed
        /// Exit 3: no daemon, no store, no network.
        case environment
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }
}
