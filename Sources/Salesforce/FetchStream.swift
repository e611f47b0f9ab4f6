import Events
import PubSub

/// One Subscribe call, open. One reader.
package protocol FetchStream: Sendable {
    /// A request for more events, without the topic's name, may return before it is sent, and then says nothing of a
    /// stream that has ended: `next` does.
    func request(_ request: FetchRequest) async throws(StreamFailure)
    /// Nil when the server ended the call without an error, which it does not do by itself.
    func next() async throws(StreamFailure) -> FetchedBatch?
    /// Makes a waiting `next` return. Safe to call at any time.
    func cancel() async
    /// The same, and nothing new is asked over its connection: it may be that which is dead.
    func abandon() async
}

extension FetchStream {
    package func abandon() async { await cancel() }
}

/// One `FetchResponse`: its events, and its bytes as they came.
package struct FetchedBatch: Sendable {
    package var response: FetchResponse
    package var bytes: [UInt8]
    /// What became of a commit, with a managed subscription only.
    package var commit: CommitReplayResponse?
    /// Nothing but that: it says neither that the stream is idle nor what credit is left.
    package var isOnlyCommit = false

    package init(response: FetchResponse, bytes: [UInt8]) {
        self.response = response
        self.bytes = bytes
    }
}

/// `PubSubCalls` that share something which is closed in the end.
package protocol PubSubConnection: PubSubCalls {
    /// Not repeated: without IDs of their own, events of a call whose answer was lost would be published twice.
    func publish(_ request: PublishRequest, _ session: Session) async throws(StreamFailure) -> PublishResponse
    func close() async
}

/// The calls a subscription makes. Over gRPC in the product, scripted in tests.
package protocol PubSubCalls: Sendable {
    /// Opens the call; nothing is asked for before the first `request`.
    func subscribe(_ session: Session) async throws(StreamFailure) -> any FetchStream
    /// The same for a managed subscription.
    func subscribe(
        _ session: Session, managed: ManagedSubscription
    ) async throws(StreamFailure) -> any ManagedFetchStream
    func topic(_ name: String, _ session: Session) async throws(StreamFailure) -> TopicInfo
    func schema(_ id: String, _ session: Session) async throws(StreamFailure) -> SchemaInfo
}

extension PubSubCalls {
    package func subscribe(
        _ session: Session, managed: ManagedSubscription
    ) async throws(StreamFailure) -> any ManagedFetchStream {
        throw StreamFailure(
            reaction: .stopTopic(fix: "Subscribe to the topic itself."), reason: "managed subscriptions are not spoken here")
    }
}
