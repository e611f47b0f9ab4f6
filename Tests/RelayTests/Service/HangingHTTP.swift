import Curl
import Synchronization

/// Fails some requests at once and never answers the others, until their task is cancelled.
final class HangingHTTP: HTTPClient {
    private let state: Mutex<(failures: Int, requests: Int)>

    init(failures: Int = 0) { state = Mutex((failures, 0)) }

    var requests: Int { state.withLock { $0.requests } }

    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        let fails = state.withLock { state in
            state.requests += 1
            state.failures -= 1
            return state.failures >= 0
        }
        if !fails { while !Task.isCancelled { await Task.yield() } }
        throw TransportError(
            kind: fails ? .connect : .cancelled, target: "https://h", reason: fails ? "connection refused" : "cancelled",
            mayHaveBeenSent: false)
    }
}
