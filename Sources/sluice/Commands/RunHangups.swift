import Dispatch
import Glibc

/// SIGHUP, which asks a daemon to read its configuration again.
final class RunHangups: Sendable {
    /// One element for one or several signals.
    let signals: AsyncStream<Void>
    /// Safe to share: a dispatch source locks inside, and this never changes.
    nonisolated(unsafe) private let source: any DispatchSourceSignal

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        signals = stream
        signal(SIGHUP, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        source.setEventHandler { continuation.yield() }
        source.resume()
    }

    deinit { source.cancel() }
}
