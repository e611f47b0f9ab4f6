import Events

/// The first request names the subscription, by ID or by developer name and never both; later ones ask for more, commit,
/// or do both.
package struct ManagedFetchRequest: Sendable, Equatable {
    package var subscriptionID: String
    package var developerName: String
    /// Credits to add; zero with a commit alone.
    package var numRequested: Int32
    package var commit: CommitReplayRequest?

    package init(
        subscriptionID: String = "", developerName: String = "", numRequested: Int32, commit: CommitReplayRequest? = nil
    ) {
        self.subscriptionID = subscriptionID
        self.developerName = developerName
        self.numRequested = numRequested
        self.commit = commit
    }
}

/// Its first four fields are those of `FetchResponse`.
package struct ManagedFetchResponse: Sendable, Equatable {
    package var response: FetchResponse
    package var commit: CommitReplayResponse?

    package init(response: FetchResponse, commit: CommitReplayResponse? = nil) {
        self.response = response
        self.commit = commit
    }

    /// Says something of a commit and nothing of the stream.
    package var isOnlyCommit: Bool {
        commit != nil && response.events.isEmpty && response.latestReplayID == nil
    }
}

package struct CommitReplayRequest: Sendable, Equatable {
    /// Comes back in the answer.
    package var id: String
    /// Nil is one that was left out, or cannot be one: the commit is refused, the stream goes on.
    package var replayID: ReplayID?

    package init(id: String, replayID: ReplayID?) {
        self.id = id
        self.replayID = replayID
    }
}

/// Several requests may have one answer, with the last values.
package struct CommitReplayResponse: Sendable, Equatable {
    package var id: String
    package var replayID: ReplayID?
    /// Present: the commit was refused. The stream goes on.
    package var error: PublishResult.Failure?
    /// Epoch milliseconds.
    package var processTime: Int64

    package init(id: String, replayID: ReplayID?, error: PublishResult.Failure? = nil, processTime: Int64 = 0) {
        self.id = id
        self.replayID = replayID
        self.error = error
        self.processTime = processTime
    }
}

extension PubSubMethod {
    package static let managedSubscribe = "/eventbus.v1.PubSub/ManagedSubscribe"
}
