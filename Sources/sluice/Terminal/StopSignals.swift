import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT as something to wait for.
final class StopSignals: Sendable {
    private let stream: AsyncStream<String>
    /// Safe to share: dispatch sources lock inside, and the array never changes.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(4))
        self.stream = stream
        sources = [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")].map { number, name in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(name) }
            source.resume()
            return source
        }
    }

    func first() async -> String {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next() ?? "end of the process"
    }

    /// From now on a signal ends the process as if nobody handled it.
    func exitOnNext() {
        for source in sources { source.cancel() }
        signal(SIGTERM, SIG_DFL)
        signal(SIGINT, SIG_DFL)
    }
}
