import Curl
import Synchronization

/// An HTTP client that answers from a script and keeps what it was asked.
package final class ScriptedHTTP: HTTPClient {
    package typealias Answer = @Sendable (HTTPRequest) throws(TransportError) -> HTTPResponse

    private let requestLog = Mutex<[HTTPRequest]>([])
    private let answer: Answer

    package init(_ answer: @escaping Answer) { self.answer = answer }

    package var requests: [HTTPRequest] { requestLog.withLock { $0 } }

    package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        requestLog.withLock { $0.append(request) }
        return try answer(request)
    }
}
