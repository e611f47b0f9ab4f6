import FoundationEssentials
import Relay
import Store

/// Where an operator's commands are answered: by a running relay, or by the store while there is none.
struct Desk {
    var store: Store
    var routes: [ControlRoute]
    var life: Life

    func answer<Answer: Decodable>(
        _ name: String, _ request: some Encodable, as _: Answer.Type
    ) async throws(ControlError) -> Answer {
        guard let route = routes.first(where: { $0.name == name }), let bytes = try? JSONEncoder().encode(request)
        else { preconditionFailure("no route \(name)") }
        let answer = try await route.answer(Array(bytes))
        guard let decoded = try? JSONDecoder().decode(Answer.self, from: Data(answer)) else {
            preconditionFailure("the answer of \(name) cannot be read")
        }
        return decoded
    }
}
