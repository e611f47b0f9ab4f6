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
    private let places = KnownPlaces()

    package init(limits: Limits = Limits()) {
        exchanges = ExchangeTable(limits: limits)
    }

    package nonisolated(nonsending) func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        let checked = try CheckedRequest(request, known: places)
        if let refused = AddressGuard.refusal(of: checked.place, request.connection) {
            throw checked.failure(.badURL, AddressGuard.reason(refused))
        }
        return try await perform(Exchange(checked)).get()
    }

    /// Not isolated to the thread: who is on it already, as deliveries are, need not be switched to it and back.
    private nonisolated(nonsending) func perform(_ exchange: Exchange) async -> Result<HTTPResponse, TransportError> {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                IOThread.run { self.exchanges.start(exchange, resuming: continuation) }
            }
        } onCancel: {
            exchange.isCancelled.store(true, ordering: .relaxed)
            IOThread.post { self.exchanges.giveUp(exchange, .cancelled, "cancelled") }
        }
    }
}

/// One request and who waits for its answer.
final class Exchange: Sendable {
    /// Not a checked one, for its price: `ExchangeTable` resumes it where it takes it out, and nowhere else.
    typealias Continuation = UnsafeContinuation<Result<HTTPResponse, TransportError>, Never>

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
