import Curl
import Events

/// What all sinks that make one HTTP call per attempt share.
struct HTTPSink: Sendable {
    let environment: SinkEnvironment
    let limiter: RateLimiter

    init(environment: SinkEnvironment, limiter: RateLimiter) {
        self.environment = environment
        self.limiter = limiter
    }

    /// Epoch seconds, for `webhook-timestamp`.
    var timestamp: Int64 { environment.clock.wall / 1000 }

    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        await limiter.pass()
        do {
            return try await environment.http.send(request)
        } catch {
            // The answer was a yes before it broke off.
            if let status = error.status, (200..<300).contains(status) {
                return HTTPResponse(status: status, bodyIsTruncated: true)
            }
            throw error
        }
    }

    func retryAfter(_ response: HTTPResponse?) -> Duration? {
        RetryAfter.parse(response?.header("Retry-After"), now: environment.clock.wall)
    }

    func note(
        _ response: HTTPResponse?, _ reason: String, possibleDuplicate: Bool = false, hiding secrets: [Secret]
    ) -> AttemptNote {
        AttemptNote(
            status: response?.status, reason: reason,
            excerpt: response.map { ResponseExcerpt.make($0, hiding: secrets) } ?? "",
            possibleDuplicate: possibleDuplicate)
    }

    /// The headers that let a receiver tell duplicates.
    static func identity(_ delivery: Delivery, timestamp: Int64) -> [HTTPRequest.Header] {
        [
            HTTPRequest.Header("webhook-id", delivery.id), HTTPRequest.Header("webhook-timestamp", String(timestamp)),
        ]
    }

    /// When `429` comes without `Retry-After`.
    static let slowDown: Duration = .seconds(30)
}
