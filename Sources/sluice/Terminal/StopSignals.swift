import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT as something to wait for. The first one is told to who waits; a second one ends the process at
/// once, whatever it is doing.
final class StopSignals: Sendable {
    private let stream: AsyncStream<String>
    /// Safe to share: dispatch sources lock inside, and the array never changes.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    private final class Count: Sendable {
        let seen = Atomic<Int>(0)
    }

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(4))
        self.stream = stream
        let count = Count()
        sources = [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")].map { number, name in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInteractive))
            source.setEventHandler {
                // As a shell reports a process that the signal ended. What is not written comes again.
                if count.seen.add(1, ordering: .relaxed).oldValue > 0 { _exit(128 + number) }
                continuation.yield(name)
            }
            source.resume()
            return source
        }
    }

    func first() async -> String {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next() ?? "end of the process"
    }

    /// From now on any signal ends the process as if nobody handled it, even if none came before.
    func exitOnNext() {
        for source in sources { source.cancel() }
        signal(SIGTERM, SIG_DFL)
        signal(SIGINT, SIG_DFL)
    }
}
