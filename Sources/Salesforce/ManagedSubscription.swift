import Events
import PubSub

/// A ManagedEventSubscription of the org: Salesforce keeps a cursor of its own for it, and lets one client at a time in.
package enum ManagedSubscription: Sendable, Hashable, CustomStringConvertible {
    /// 15 or 18 characters, `18x…`.
    case id(String)
    case developerName(String)

    package init(_ text: String) {
        let isID = (text.utf8.count == 15 || text.utf8.count == 18) && text.hasPrefix("18x")
        self = isID ? .id(text) : .developerName(text)
    }

    package var description: String {
        switch self {
        case .id(let text), .developerName(let text): text
        }
    }

    /// - Parameter credit: events to ask for.
    func start(credit: Int32) -> ManagedFetchRequest {
        switch self {
        case .id(let id): ManagedFetchRequest(subscriptionID: id, numRequested: credit)
        case .developerName(let name): ManagedFetchRequest(developerName: name, numRequested: credit)
        }
    }
}

/// A stream whose position is kept by the server too.
package protocol ManagedFetchStream: FetchStream {
    /// Asks Salesforce to remember a position. What it answers comes with a batch.
    func commit(_ request: CommitReplayRequest) async throws(StreamFailure)
}

/// When which position is committed with Salesforce. No clock, no store.
///
/// Only what a real sync has put on our disk is committed there: its cursor is never ahead of ours, whatever happens.
struct ManagedCommits: Sendable {
    /// Between commits. What is not committed there comes again when another client takes over.
    static let interval: Duration = .seconds(5)

    private var asked: ReplayID?
    private var number = 0
    private(set) var committed: ReplayID?

    /// - Parameter synced: our position, on disk.
    /// - Returns: nil if there is nothing new to commit.
    mutating func next(_ synced: ReplayID?) -> CommitReplayRequest? {
        guard let synced, synced != asked, synced != committed else { return nil }
        asked = synced
        number += 1
        return CommitReplayRequest(id: "sluice-\(number)", replayID: synced)
    }

    /// - Returns: why it was refused. The next position is tried all the same.
    mutating func answered(_ response: CommitReplayResponse) -> String? {
        if let error = response.error { return error.message.isEmpty ? "error code \(error.code)" : error.message }
        committed = response.replayID ?? asked
        return nil
    }
}
