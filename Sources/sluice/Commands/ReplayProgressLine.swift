import Events
import Relay
import Store

/// Follows a running replay: on a terminal how far, how fast, how long still. Ctrl-C ends the watching, not the replay.
struct ReplayProgressLine {
    static let interval: Duration = .milliseconds(500)

    private let id: String
    private let beganAt = TimeSource.system.monotonic()
    private let eventsBefore: Int

    init(_ view: ReplayView) {
        id = view.id
        eventsBefore = view.events
    }

    func follow(_ caller: ControlCaller, json: Bool) async throws {
        Terminal.error.write("Replay \(id) runs; Ctrl-C stops watching it, not the replay.\n")
        while true {
            let view: ReplayView = try await caller.answer(route: "replay.show", request: NamedReplay(id: id))
            guard view.state == .running else { return try end(view, json: json) }
            guard caller.client.isListening else {
                throw CommandFailure(
                    .environment, "the relay has ended; the next `sluice run` goes on with replay \(id), where it stands.")
            }
            if Terminal.error.isInteractive {
                Terminal.error.write("\r\u{1B}[K" + line(view, elapsed: TimeSource.system.monotonic() - beganAt))
            }
            try await Task.sleep(for: Self.interval)
        }
    }

    private func end(_ view: ReplayView, json: Bool) throws {
        if Terminal.error.isInteractive { Terminal.error.write("\r\u{1B}[K") }
        Terminal.output.write(json ? try ReplayOutput.json(view) : ReplayText.one(view))
        if view.state == .failed { throw CommandFailure(.failed) }
    }

    /// `42 %  4200 events, 4190 deliveries, 350/s, 17 s left`
    func line(_ view: ReplayView, elapsed: Duration) -> String {
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        let done = view.events - eventsBefore
        let rate = seconds > 0 ? Double(done) / seconds : 0
        var parts = ["\(view.events) events, \(view.deliveries) deliveries"]
        if rate > 0 { parts.append("\(Int(rate.rounded()))/s") }
        if let fraction = view.fraction, fraction > 0.01, fraction < 1, done > 0 {
            let all = Double(view.events) / fraction
            parts.append("\(Self.words((all - Double(view.events)) / max(rate, 0.001))) left")
        }
        if !view.detail.isEmpty { parts.append(view.detail) }
        let percent = view.fraction.map { "\(Int($0 * 100)) %  " } ?? ""
        return percent + parts.joined(separator: ", ")
    }

    private static func words(_ seconds: Double) -> String {
        switch seconds {
        case ..<100: "\(Int(seconds.rounded(.up))) s"
        case ..<6_000: "\(Int(seconds / 60)) min"
        default: "\(Int(min(seconds, 1e9) / 3_600)) h"
        }
    }
}
