import Events
import PubSub
import Testing

@testable import Emulator

@Suite struct TopicLogTests {
    @Test func `custom starts strictly after the ID`() throws {
        let (log, ids) = filled(5)
        let start = try log.start(.custom(ids[1]))
        #expect(log.read(after: start, count: 100, bytes: 1000).events.map(\.replayID) == Array(ids[2...]))
    }

    @Test func `earliest has everything, latest nothing yet`() throws {
        var (log, ids) = filled(3)
        let earliest = try log.start(FetchRequest(replayPreset: .earliest, numRequested: 1))
        let latest = try log.start(FetchRequest(numRequested: 1))
        #expect(log.read(after: earliest, count: 100, bytes: 1000).events.count == 3)
        #expect(log.read(after: latest, count: 100, bytes: 1000).events.isEmpty)
        ids.append(log.append(id: "x", schemaID: "s", payload: [1], stride: 1, now: 0))
        #expect(log.read(after: latest, count: 100, bytes: 1000).events.map(\.replayID) == [ids[3]])
    }

    @Test func `an ID is ten bytes of which eight may be enough`() throws {
        let (log, ids) = filled(2)
        #expect(ids[0].bytes.count == 10)
        let short = try #require(ReplayID(Array(ids[0].bytes.prefix(8))))
        #expect(try log.start(.custom(short)) == (try log.start(.custom(ids[0]))))
    }

    @Test func `the newest ID is good before anything was published`() throws {
        let log = TopicLog(base: 77)
        #expect(try log.start(.custom(log.latestReplayID)) == 77)
    }

    @Test func `unknown, calculated and foreign IDs are corrupted`() {
        let (log, ids) = filled(3, stride: 5)
        let next = TopicLog.replayID(TopicLog.position(ids[0])! + 1)
        for id in [next, ReplayID([1])!, ReplayID([0xff, 0xff])!, TopicLog.replayID(3), TopicLog.replayID(.max)] {
            #expect(throws: PubSubFailure.replayIDCorrupted) { try log.start(.custom(id)) }
        }
        #expect(throws: PubSubFailure.replayIDMissing) {
            try log.start(FetchRequest(replayPreset: .custom, numRequested: 1))
        }
    }

    @Test func `events leave after the retention, and their IDs with them`() throws {
        var log = TopicLog(base: 1000, limits: .init(retentionMilliseconds: 100))
        let first = log.append(id: "", schemaID: "s", payload: [], stride: 1, now: 0)
        let second = log.append(id: "", schemaID: "s", payload: [], stride: 1, now: 50)
        let third = log.append(id: "", schemaID: "s", payload: [], stride: 1, now: 160)
        #expect(throws: PubSubFailure.replayIDCorrupted) { try log.start(.custom(first)) }
        // Nothing after the second is missing, so it may still be resumed from.
        let start = try log.start(.custom(second))
        #expect(log.read(after: start, count: 9, bytes: 99).events.map(\.replayID) == [third])
    }

    @Test func `the count and the bytes are bounded`() {
        var log = TopicLog(base: 0, limits: .init(events: 10, bytes: 25))
        for _ in 0..<100 { _ = log.append(id: "", schemaID: "s", payload: [1, 2, 3, 4], stride: 1, now: 0) }
        #expect(log.count == 6)
    }

    @Test func `a batch ends at its byte limit but has at least one event`() {
        let (log, _) = filled(5)
        #expect(log.read(after: 1000, count: 100, bytes: 7).events.count == 2)
        #expect(log.read(after: 1000, count: 100, bytes: 1).events.count == 1)
        #expect(log.read(after: 1000, count: 3, bytes: 100).events.count == 3)
    }

    private func filled(_ count: Int, stride: UInt64 = 2) -> (TopicLog, [ReplayID]) {
        var log = TopicLog(base: 1000)
        let ids = (0..<count).map { index in
            log.append(id: "\(index)", schemaID: "s", payload: [1, 2, 3], stride: stride, now: 0)
        }
        return (log, ids)
    }
}

extension FetchRequest {
    static func custom(_ id: ReplayID) -> FetchRequest {
        FetchRequest(topicName: "/t", replayPreset: .custom, replayID: id, numRequested: 1)
    }
}
