import Curl
import Events

/// What all sinks that make one HTTP call per attempt share.
struct HTTPSink: Sendable {
    let environment: SinkEnvironment
    /// Of the destination and of its account. The dispatcher keeps to them before it starts an attempt.
    let budgets: [RequestBudget]

    init(environment: SinkEnvironment, budgets: [RequestBudget] = []) {
        self.environment = environment
        self.budgets = budgets
    }

    /// Epoch seconds, for `webhook-timestamp`.
    var timestamp: Int64 { environment.clock.wall() / 1000 }

    nonisolated(nonsending) func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
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

    /// Everything that shares a budget with this sink makes a pause.
    func slowDown(_ response: HTTPResponse?) -> Duration {
        let length = retryAfter(response) ?? Self.slowDown
        let now = environment.clock.uptime
        for budget in budgets { budget.slowDown(for: length.milliseconds, now: now) }
        return length
    }

    func retryAfter(_ response: HTTPResponse?) -> Duration? {
        RetryAfter.parse(response?.header("Retry-After"), now: environment.clock.wall())
    }

    func note(
        _ response: HTTPResponse?, _ reason: String, possibleDuplicate: Bool = false, hiding secrets: [Secret]
    ) -> AttemptNote {
        AttemptNote(
            status: response?.status, reason: reason,
            excerpt: response.map { ResponseExcerpt.make($0, hiding: secrets) } ?? "",
            possibleDuplicate: possibleDuplicate,
            headers: response.flatMap { ResponseExcerpt.headers($0, hiding: secrets) })
    }

    /// The headers that let a receiver tell duplicates.
    ///
    /// - Parameter part: of a delivery that goes in several posts.
    static func identity(_ delivery: Delivery, timestamp: Int64, part: String? = nil) -> [HTTPRequest.Header] {
        var headers = [
            HTTPRequest.Header("webhook-id", part ?? delivery.id), HTTPRequest.Header("webhook-timestamp", String(timestamp)),
        ]
        if let replay = ReplayedDelivery.replay(ofDelivery: delivery.id) {
            headers.append(HTTPRequest.Header(ReplayedDelivery.header, replay))
        }
        return headers
    }

    /// When `429` comes without `Retry-After`.
    static let slowDown: Duration = .seconds(30)
}
