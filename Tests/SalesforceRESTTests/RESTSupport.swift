import Curl
import Events
import Salesforce
import Synchronization
import TestSupport

@testable import SalesforceREST

/// An org whose sign-in always works; tokens are numbered.
struct TestOrg {
    let time: ManualTime
    let http: ScriptedHTTP
    let client: RESTClient

    init(
        options: RESTOptions = RESTOptions(), time: ManualTime = ManualTime(autoAdvance: true),
        _ answer: @escaping ScriptedHTTP.Answer
    ) {
        self.time = time
        http = ScriptedHTTP(answer)
        client = RESTClient(
            authenticator: TestOrg.authenticator(), http: http, options: options, time: time.source)
    }

    static func authenticator() -> Authenticator {
        let count = Mutex(0)
        return Authenticator { () async throws(SignInError) in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return Session(
                accessToken: Secret("token-\(number)"), instanceURL: "https://acme.my.salesforce.com",
                orgID: OrgID("00D000000000001EAA")!)
        }
    }

    /// `GET /limits`, without the instance and the version.
    var calls: [String] {
        http.requests.map { request in
            let prefix = "https://acme.my.salesforce.com"
            let path = request.url.hasPrefix(prefix) ? String(request.url.dropFirst(prefix.count)) : request.url
            let version = "/services/data/v62.0"
            return "\(request.method) \(path.hasPrefix(version) ? String(path.dropFirst(version.count)) : path)"
        }
    }
}

func json(_ text: String, status: Int = 200, headers: [HTTPRequest.Header] = []) -> HTTPResponse {
    HTTPResponse(status: status, headers: headers, body: Array(text.utf8))
}

func refusal(_ status: Int, _ code: String, _ message: String = "") -> HTTPResponse {
    json(#"[{"message":"\#(message)","errorCode":"\#(code)"}]"#, status: status)
}

/// Counts, and answers by count.
final class Steps: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

/// Holds every request until the test answers it.
final class HeldHTTP: HTTPClient {
    private struct State {
        var held: [(request: HTTPRequest, continuation: CheckedContinuation<HTTPResponse, Never>)] = []
        var seen = 0
        var most = 0
    }

    private let state = Mutex(State())

    var held: [HTTPRequest] { state.withLock { $0.held.map(\.request) } }
    var seen: Int { state.withLock { $0.seen } }
    var mostAtOnce: Int { state.withLock { $0.most } }

    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.held.append((request, continuation))
                state.seen += 1
                state.most = max(state.most, state.held.count)
            }
        }
    }

    /// Waits until so many are held.
    func waitFor(_ count: Int) async { while held.count < count { await Task.yield() } }

    func answerFirst(_ answer: (HTTPRequest) -> HTTPResponse) {
        let first = state.withLock { $0.held.removeFirst() }
        first.continuation.resume(returning: answer(first.request))
    }
}
