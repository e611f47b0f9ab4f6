import PubSub

/// One PublishStream call: its topic, and how long it may wait. No sockets, no clocks.
struct PublishStream: Sendable {
    /// Without a request for this long, the stream is ended.
    static let patience: Duration = .seconds(70)

    private var topic = ""
    private var lastRequest: Duration

    init(now: Duration) { lastRequest = now }

    /// - Returns: the request with its topic, which only the first must name.
    mutating func accept(_ request: PublishRequest, now: Duration) throws(PubSubFailure) -> PublishRequest {
        guard request.topicName.isEmpty || topic.isEmpty || request.topicName == topic else {
            throw .publishTopicMismatch(first: topic, now: request.topicName)
        }
        if topic.isEmpty { topic = request.topicName }
        lastRequest = now
        return PublishRequest(topicName: topic, events: request.events)
    }

    var deadline: Duration { lastRequest + Self.patience }

    func isIdle(now: Duration) -> Bool { now >= deadline }
}
