import Events
import Testing

@testable import PubSub

@Suite struct ManagedMessagesTests {
    private let id = ReplayID([0, 0, 0, 0, 0, 1, 2, 3, 0, 0])!

    @Test func `the first request names the subscription, and later ones commit`() throws {
        let first = ManagedFetchRequest(developerName: "Sluice_All", numRequested: 100)
        #expect(first.encode() == [0x12, 10] + Array("Sluice_All".utf8) + [0x18, 100])
        let later = ManagedFetchRequest(
            numRequested: 0, commit: CommitReplayRequest(id: "c1", replayID: id))
        #expect(later.encode() == [0x2A, 16, 0x0A, 2, 0x63, 0x31, 0x12, 10] + id.bytes)
        #expect(try ManagedFetchRequest(decoding: later.encode()) == later)
    }

    @Test(arguments: [[], [UInt8](repeating: 1, count: ReplayID.maximumBytes + 1)])
    func `a commit whose replay ID is missing, or cannot be one, is still a commit`(replayID: [UInt8]) throws {
        let size = UInt8(replayID.count)
        let bytes: [UInt8] = [0x2A, size + 6, 0x0A, 2, 0x63, 0x31, 0x12, size] + replayID
        let commit = CommitReplayRequest(id: "c1", replayID: nil)
        #expect(try ManagedFetchRequest(decoding: bytes) == ManagedFetchRequest(numRequested: 0, commit: commit))
    }

    @Test func `an answer to a commit alone says nothing of the stream`() throws {
        let refused = ManagedFetchResponse(
            response: FetchResponse(),
            commit: CommitReplayResponse(
                id: "c1", replayID: id, error: .init(code: 2, message: "out of retention"), processTime: 5))
        let read = try ManagedFetchResponse(decoding: refused.encode())
        #expect(read == refused && read.isOnlyCommit)
    }

    @Test func `events read as those of a plain response, whatever stands behind them`() throws {
        let event = ConsumerEvent(id: "e", schemaID: "s", replayID: id, payload: [1, 2])
        let response = FetchResponse(events: [event], latestReplayID: id, rpcID: "r", pendingNumRequested: 7)
        let managed = ManagedFetchResponse(
            response: response, commit: CommitReplayResponse(id: "c1", replayID: id))
        #expect(try FetchResponse(decoding: managed.encode()) == response)
        let read = try ManagedFetchResponse(decoding: managed.encode())
        #expect(read == managed && !read.isOnlyCommit)
    }
}
