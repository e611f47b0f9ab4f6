import Dispatch
import Glibc
import Synchronization

/// Writes the log from a thread of its own. A reader that stands still (a pager, a full pipe of a container's log) must
/// not hold up whoever logs, least of all the thread that moves all bytes. What it does not take is counted and left out.
final class LogWriter: Sendable {
    static let shared = LogWriter { Terminal.error.writeDirectly($0) }
    static let maximumBytes = 1 << 20

    private struct State {
        var lines: [[UInt8]] = []
        /// In `lines` and in what is being written.
        var bytes = 0
        var dropped = 0
        var isWriting = false
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "log")
    private let output: @Sendable ([UInt8]) -> Void

    init(_ output: @escaping @Sendable ([UInt8]) -> Void) { self.output = output }

    func write(_ line: [UInt8]) {
        let isFirst = state.withLock { state in
            guard state.bytes + line.count <= Self.maximumBytes else {
                state.dropped += 1
                return false
            }
            state.lines.append(line)
            state.bytes += line.count
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if isFirst { queue.async { self.writeAll() } }
    }

    private func writeAll() {
        while true {
            let (lines, dropped) = state.withLock { state in
                defer { (state.lines, state.dropped) = ([], 0) }
                if state.lines.isEmpty, state.dropped == 0 { state.isWriting = false }
                return (state.lines, state.dropped)
            }
            guard !lines.isEmpty || dropped > 0 else { return }
            for line in lines { output(line) }
            if dropped > 0 { output(Array("… \(dropped) lines of the log are left out: nobody read it\n".utf8)) }
            state.withLock { $0.bytes -= lines.reduce(0) { $0 + $1.count } }
        }
    }

    /// Returns when all of it is written, or after this time.
    func flush(within limit: Duration = .seconds(1)) {
        guard state.withLock({ $0.isWriting }) else { return }
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + .nanoseconds(Int(limit.components.seconds) * 1_000_000_000))
    }
}
