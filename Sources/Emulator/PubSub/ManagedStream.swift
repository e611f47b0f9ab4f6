import Events
import PubSub

/// One ManagedSubscribe stream: a subscription whose place the org keeps, and the answers to its commits.
///
/// No sockets, no clocks.
struct ManagedStream: Sendable {
    /// Answers that wait; the oldest goes when there are more.
    static let maximumAnswers = 100

    let id: String
    private var subscription: SubscriptionState
    private var answers: [CommitReplayResponse] = []

    /// - Parameters:
    ///   - first: the first request of the stream.
    ///   - isBusy: whether another stream has the subscription with that ID.
    init(
        first: ManagedFetchRequest, org: EmulatedOrg, rpcID: String, limits: SubscriptionState.Limits, now: Duration,
        isBusy: (String) -> Bool
    ) throws(PubSubFailure) {
        guard first.commit == nil else { throw .managedCommitFirst }
        guard first.numRequested >= 0 else { throw .managedCount(first.numRequested) }
        let found = try org.managed.find(first)
        guard found.state == .run else { throw .managedStopped(found.developerName) }
        guard !isBusy(found.id) else { throw .managedActive(found.developerName) }
        let log = try org.log(found.topic)
        id = found.id
        subscription = SubscriptionState(
            topic: found.topic, position: found.start(in: log), credit: first.numRequested, rpcID: rpcID,
            limits: limits, now: now)
    }

    var topic: String { subscription.topic }

    /// A later request: for more events, with a commit, or both. Names in it mean nothing.
    ///
    /// - Parameter now: epoch milliseconds.
    mutating func add(_ request: ManagedFetchRequest, org: inout EmulatedOrg, now: Int64) throws(PubSubFailure) {
        guard request.numRequested >= 0 else { throw .managedCount(request.numRequested) }
        guard request.numRequested > 0 || request.commit != nil else { throw .managedRequestEmpty }
        if request.numRequested > 0 { subscription.add(credit: request.numRequested) }
        guard let commit = request.commit, let log = org.topics[topic] else { return }
        let answer = org.managed[id]?.commit(commit, delivered: subscription.position, in: log, now: now)
        if let answer { queue(answer) }
    }

    /// Commits that came together have one answer, with the values of the last; one that failed is told by itself.
    private mutating func queue(_ answer: CommitReplayResponse) {
        if answer.error == nil, let last = answers.last, last.error == nil { answers.removeLast() }
        answers.append(answer)
        if answers.count > Self.maximumAnswers { answers.removeFirst() }
    }

    /// What is due now; call until nil.
    mutating func next(
        from log: TopicLog, org: EmulatedOrg, now: Duration
    ) -> StreamStep<ManagedFetchResponse>? {
        guard let managed = org.managed[id] else { return .fail(.managedDeleted) }
        guard managed.state == .run else { return .fail(.managedStopped(managed.developerName)) }
        if !answers.isEmpty {
            let told = FetchResponse(rpcID: subscription.rpcID, pendingNumRequested: subscription.credit)
            return .respond(ManagedFetchResponse(response: told, commit: answers.removeFirst()))
        }
        return subscription.next(from: log, terms: org.terms, now: now)?.map { ManagedFetchResponse(response: $0) }
    }

    var deadline: Duration { subscription.deadline }
}
