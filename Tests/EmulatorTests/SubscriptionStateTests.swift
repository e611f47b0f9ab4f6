import Events
import PubSub
import Testing

@testable import Emulator

@Suite struct SubscriptionStateTests {
    private var log = TopicLog(base: 500)

    @Test func `credit above one hundred is cut off, not refused`() throws {
        let state = try subscribe(5000)
        #expect(state.credit == 100)
    }

    @Test(arguments: [0, -1] as [Int32])
    func `credit must be above zero`(count: Int32) throws {
        #expect(throws: PubSubFailure.badCount(count)) { try subscribe(count) }
        var state = try subscribe(1)
        #expect(throws: PubSubFailure.badCount(count)) { try state.add(FetchRequest(numRequested: count)) }
    }

    @Test mutating func `sends no more than was asked for, and says what is left`() throws {
        publish(10)
        var state = try subscribe(4, .earliest)
        let response = sent(state.next(from: log, now: .zero))
        #expect(response?.events.count == 4)
        #expect(response?.pendingNumRequested == 0)
        #expect(response?.latestReplayID == log.latestReplayID)
        #expect(state.next(from: log, now: .seconds(1)) == nil)
        try state.add(FetchRequest(numRequested: 100))
        #expect(sent(state.next(from: log, now: .seconds(1)))?.events.count == 6)
        #expect(state.credit == 94)
    }

    @Test func `credit adds up to one hundred at most`() throws {
        var state = try subscribe(60)
        try state.add(FetchRequest(numRequested: .max))
        #expect(state.credit == 100)
    }

    @Test mutating func `batches are cut at the byte limit`() throws {
        publish(10)
        var state = try subscribe(10, .earliest, limits: .init(batchBytes: 30))
        var sizes: [Int] = []
        while case .respond(let response)? = state.next(from: log, now: .zero) { sizes.append(response.events.count) }
        #expect(sizes == [3, 3, 3, 1])
    }

    @Test func `an idle stream with credit says that it is alive`() throws {
        var state = try subscribe(5, limits: .init(keepalive: .seconds(20)))
        #expect(state.deadline == .seconds(20))
        #expect(state.next(from: log, now: .seconds(19)) == nil)
        let response = sent(state.next(from: log, now: .seconds(20)))
        #expect(response?.events == [])
        #expect(response?.latestReplayID == log.latestReplayID)
        #expect(response?.pendingNumRequested == 5)
        #expect(state.deadline == .seconds(40))
    }

    @Test mutating func `a stream without credit is closed after a minute and says nothing before`() throws {
        publish(3)
        var state = try subscribe(3, .earliest)
        _ = state.next(from: log, now: .seconds(10))
        #expect(state.deadline == .seconds(70))
        #expect(state.next(from: log, now: .seconds(69)) == nil)
        #expect(state.next(from: log, now: .seconds(70)) == .close)
    }

    @Test mutating func `new credit stops the clock`() throws {
        publish(3)
        var state = try subscribe(3, .earliest)
        _ = state.next(from: log, now: .seconds(10))
        try state.add(FetchRequest(topicName: "/t", numRequested: 1))
        #expect(sent(state.next(from: log, now: .seconds(75)))?.events == [])
    }

    @Test func `the topic cannot change`() throws {
        var state = try subscribe(3)
        #expect(throws: PubSubFailure.topicMismatch(first: "/t", now: "/u")) {
            try state.add(FetchRequest(topicName: "/u", numRequested: 1))
        }
    }

    private mutating func publish(_ count: Int) {
        for _ in 0..<count {
            _ = log.append(id: "", schemaID: "s", payload: [UInt8](repeating: 7, count: 10), stride: 3, now: 0)
        }
    }

    private func subscribe(
        _ count: Int32, _ preset: ReplayPreset = .latest, limits: SubscriptionState.Limits = .init()
    ) throws -> SubscriptionState {
        try SubscriptionState(
            first: FetchRequest(topicName: "/t", replayPreset: preset, numRequested: count), log: log, rpcID: "r",
            limits: limits, now: .zero)
    }

    private func sent(_ step: StreamStep<FetchResponse>?) -> FetchResponse? {
        if case .respond(let response)? = step { response } else { nil }
    }
}
