import Events
import PubSub
import Testing

@testable import Salesforce

@Suite struct ResumePlanTests {
    private static let hour: Int64 = 3_600_000
    private let id = ReplayID([1, 2, 3])!

    @Test func `a position within the 72 hours loses nothing`() {
        let position = Position(replayID: id, time: 0, receivedAt: 0)
        let plan = ResumePlan(settings: TopicSettings(name: "/data/ChangeEvents"), position: position)
        #expect(plan.statement(reconnected: true, now: 71 * Self.hour)?.kind == .nothingLost)
    }

    @Test func `a position that is older is not called complete, although Salesforce took it`() throws {
        let position = Position(replayID: id, time: 0, receivedAt: Self.hour)
        let plan = ResumePlan(settings: TopicSettings(name: "/data/ChangeEvents"), position: position)
        #expect(plan.statement(reconnected: false, now: 73 * Self.hour)?.kind == .nothingLost)
        let statement = try #require(plan.statement(reconnected: false, now: 74 * Self.hour))
        #expect(statement.kind == .possibleGap)
        #expect(statement.text.contains("between 1970-01-01T00:00:00Z and 1970-01-01T02:00:00Z"))
    }

    @Test func `a position that an operator chose is not called complete, until something came after it`() throws {
        var position = Position(replayID: id, time: 0, receivedAt: 0)
        position.movedFrom = Self.hour
        var plan = ResumePlan(settings: TopicSettings(name: "/data/ChangeEvents"), position: position)
        let statement = try #require(plan.statement(reconnected: false, now: 2 * Self.hour))
        #expect(statement.kind == .possibleGap && statement.lostSince == nil)
        #expect(statement.text.contains("since 1970-01-01T01:00:00Z"))
        plan.moved(to: Position(replayID: id, time: 2 * Self.hour, receivedAt: 2 * Self.hour))
        #expect(plan.statement(reconnected: true, now: 3 * Self.hour)?.kind == .nothingLost)
    }

    @Test func `a quiet topic is as current as its last keepalive`() {
        let position = Position(replayID: id, time: 0, receivedAt: 200 * Self.hour)
        let plan = ResumePlan(settings: TopicSettings(name: "/data/ChangeEvents"), position: position)
        #expect(plan.statement(reconnected: true, now: 201 * Self.hour)?.kind == .nothingLost)
    }

    @Test func `an earlier process that left no position may have missed something, a first one has not`() throws {
        let settings = TopicSettings(name: "/data/ChangeEvents")
        var first = ResumePlan(settings: settings, position: nil)
        _ = first.start(credit: 100, now: 0)
        #expect(first.statement(reconnected: false, now: Self.hour) == nil)

        var second = ResumePlan(settings: settings, position: nil, startedAt: 0)
        _ = second.start(credit: 100, now: Self.hour)
        let statement = try #require(second.statement(reconnected: false, now: Self.hour))
        #expect(statement.kind == .possibleGap)
        #expect(statement.text.contains("between 1970-01-01T00:00:00Z and 1970-01-01T01:00:00Z"))
    }
}
