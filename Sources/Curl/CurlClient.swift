import Synchronization

/// HTTP/1.1 over libcurl: pooled keep-alive connections, verified TLS, no redirects, a bounded answer, a hard deadline.
///
/// Share one: connections and handles are pooled in it. A request whose task is cancelled is broken off.
package final class CurlClient: HTTPClient {
    package struct Limits: Sendable {
        /// Requests at once to one scheme, host and port. Others wait their turn.
        package var connectionsPerHost = 64
        package var connections = 256
        /// Requests that wait for a connection; more are refused.
        package var waiting = 10_000

        package init() {}
    }

    private let exchanges: ExchangeTable

    package init(limits: Limits = Limits()) {
        exchanges = ExchangeTable(limits: limits)
    }

    package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        let checked = try CheckedRequest(request)
        if let refused = AddressGuard(request.connection).refusal(of: checked.target) {
            throw checked.failure(.badURL, AddressGuard.reason(refused))
        }
        let exchange = Exchange(checked)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                IOThread.run { self.exchanges.start(exchange, resuming: continuation) }
            }
        } onCancel: {
            exchange.isCancelled.store(true, ordering: .relaxed)
            IOThread.post { self.exchanges.giveUp(exchange, .cancelled, "cancelled") }
        }
        return try result.get()
    }
}

/// One request and who waits for its answer.
final class Exchange: Sendable {
    typealias Continuation = CheckedContinuation<Result<HTTPResponse, TransportError>, Never>

    let request: CheckedRequest
    /// The cancellation may arrive on the thread before the start does.
    let isCancelled = Atomic<Bool>(false)

    @IOThread var continuation: Continuation?
    @IOThread var deadline: IOThread.TimerID?
    @IOThread var transfer: Transfer?

    init(_ request: CheckedRequest) {
        self.request = request
    }
}
