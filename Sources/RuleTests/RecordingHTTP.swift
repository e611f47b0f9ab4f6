import Curl
import Synchronization

/// Takes the requests that sinks make, keeps them, and answers as the test says.
final class RecordingHTTP: HTTPClient {
    private struct State {
        var scripts: [String: AnswerScript]
        var used: [String: Int] = [:]
        var destination = ""
        var kept: [HTTPRequest] = []
    }

    private let state: Mutex<State>

    init(scripts: [String: AnswerScript]) { state = Mutex(State(scripts: scripts)) }

    /// What is sent from now on is for this destination.
    func turn(to destination: String) {
        state.withLock {
            $0.destination = destination
            $0.kept = []
        }
    }

    /// The requests since `turn(to:)` that deliver something; not those that only ask.
    var requests: [HTTPRequest] { state.withLock { $0.kept } }

    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        guard request.method != "GET" else { return HTTPResponse(status: 404) }
        let answer = state.withLock { state in
            state.kept.append(request)
            return Self.answer(&state)
        }
        switch answer {
        case .response(let status, let headers, let body):
            return HTTPResponse(
                status: status, headers: headers.map { HTTPRequest.Header($0.name, $0.value) }, body: Array(body.utf8))
        case .timeout:
            throw TransportError(
                kind: .timeout, target: Self.origin(request), reason: "no answer in time", mayHaveBeenSent: true)
        case .refused:
            throw TransportError(
                kind: .connect, target: Self.origin(request), reason: "connection refused", mayHaveBeenSent: false)
        }
    }

    private static func answer(_ state: inout State) -> AnswerScript.Answer {
        let yes = AnswerScript.Answer.response(status: 200, headers: [], body: "{}")
        guard let script = state.scripts[state.destination] else { return yes }
        if script.repeats { return script.answers[0] }
        let number = state.used[state.destination, default: 0]
        state.used[state.destination] = number + 1
        return number < script.answers.count ? script.answers[number] : yes
    }

    private static func origin(_ request: HTTPRequest) -> String {
        request.url.split(separator: "/", maxSplits: 2).prefix(2).joined(separator: "//")
    }
}
