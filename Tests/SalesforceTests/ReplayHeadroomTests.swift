import Events
import Logging
import Synchronization
import Testing

@testable import Salesforce

@Suite struct ReplayHeadroomTests {
    private static let hour: Int64 = 3_600_000

    private func headroom(behind milliseconds: Int64) -> ReplayHeadroom {
        ReplayHeadroom(position: Position(replayID: ReplayID([1])!, time: 1_000), now: 1_000 + milliseconds)
    }

    @Test func `it is what is left of 72 hours`() {
        #expect(headroom(behind: 0).milliseconds == 72 * Self.hour)
        #expect(headroom(behind: 70 * Self.hour).milliseconds == 2 * Self.hour)
        #expect(headroom(behind: 90 * Self.hour).milliseconds == 0)
        // Our clock is behind Salesforce's.
        #expect(headroom(behind: -Self.hour).milliseconds == 72 * Self.hour)
    }

    @Test(arguments: [
        (Int64(0), ReplayHeadroom.Level.ample), (47, .ample), (49, .low), (65, .low), (67, .critical), (80, .critical),
    ])
    func `less than a day is low, less than six hours critical`(hours: Int64, level: ReplayHeadroom.Level) {
        #expect(headroom(behind: hours * Self.hour).level == level)
    }

    @Test func `an alarm is raised once for each level, and again only after it was well`() {
        var alarm = HeadroomAlarm()
        #expect(alarm.next(headroom(behind: 0)) == nil)
        #expect(alarm.next(headroom(behind: 49 * Self.hour)) == .low)
        #expect(alarm.next(headroom(behind: 50 * Self.hour)) == nil)
        #expect(alarm.next(headroom(behind: 67 * Self.hour)) == .critical)
        // Not well yet, only a little better.
        #expect(alarm.next(headroom(behind: 66 * Self.hour - 1)) == nil)
        #expect(alarm.next(headroom(behind: 67 * Self.hour)) == nil)
        #expect(alarm.next(headroom(behind: 10 * Self.hour)) == nil)
        #expect(alarm.next(headroom(behind: 70 * Self.hour)) == .critical)
    }
}

/// Keeps what a log says about headroom.
final class AlarmLines: Sendable {
    struct Line: Sendable, Equatable {
        let level: Logger.Level
        let text: String
    }

    private let lines = Mutex<[Line]>([])

    var all: [Line] { lines.withLock { $0 } }
    var logger: Logger { Logger(label: "test", factory: { _ in Handler(lines: self) }) }

    private struct Handler: LogHandler {
        let lines: AlarmLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let text = "\(event.message)"
            guard text.contains("72 h") else { return }
            lines.lines.withLock { $0.append(Line(level: event.level, text: text)) }
        }
    }
}
