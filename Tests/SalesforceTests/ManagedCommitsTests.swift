import Events
import PubSub
import Testing

@testable import GRPC
@testable import Salesforce

@Suite struct ManagedCommitsTests {
    private let one = ReplayID([1])!
    private let two = ReplayID([2])!

    @Test func `each position that is on disk is committed once`() throws {
        var commits = ManagedCommits()
        let none = commits.next(nil)
        #expect(none == nil)
        let next = commits.next(one)
        let request = try #require(next)
        #expect(request.replayID == one)
        let again = commits.next(one)
        #expect(again == nil, "asked for already")
        let problem = commits.answered(CommitReplayResponse(id: request.id, replayID: one))
        #expect(problem == nil && commits.committed == one)
        let other = commits.next(two)
        #expect(other?.replayID == two && other?.id != request.id)
    }

    @Test func `a refusal is told, and the next position is tried`() throws {
        var commits = ManagedCommits()
        let next = commits.next(one)
        let request = try #require(next)
        let refusal = CommitReplayResponse(id: request.id, replayID: one, error: .init(code: 2, message: "older"))
        let reason = commits.answered(refusal)
        let other = commits.next(two)
        #expect(reason == "older" && commits.committed == nil && other != nil)
    }

    @Test func `an ID and a developer name are told apart`() {
        #expect(ManagedSubscription("18x000000000001AAA").start(credit: 5).subscriptionID == "18x000000000001AAA")
        let named = ManagedSubscription("Sluice_All").start(credit: 5)
        #expect(named.developerName == "Sluice_All" && named.subscriptionID.isEmpty && named.numRequested == 5)
    }

    @Test func `a subscription that is open elsewhere is a stand-by, and waited for`() {
        let code = "sfdc.platform.eventbus.grpc.managed.subscription.already.active"
        #expect(ErrorCode.reaction(to: code) == .reconnect(minimum: ErrorCode.standByWait))
        #expect(ErrorCode.meaning(of: code)?.hasPrefix("stand-by") == true)
        func failure(_ code: String) -> StreamFailure {
            var error = GRPCError(.failedPrecondition, "no", origin: .peer)
            error.trailers = ["error-code": code]
            return StreamFailure(error)
        }
        #expect(failure(code).isStandBy && !failure(code).needsPerson)
        let stopped = failure(code.replacing("already.active", with: "config.stopped"))
        #expect(!stopped.isStandBy && stopped.needsPerson)
    }
}
