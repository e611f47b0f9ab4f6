import Synchronization

/// Whether a signal asked this command to stop, for commands that end at a place of their own choosing. A second signal
/// ends the process at once.
final class StopFlag: Sendable {
    private let signals = StopSignals()
    private let name = Mutex<String?>(nil)

    /// - Parameter stopped: called once, when the signal comes.
    init(_ stopped: @escaping @Sendable () -> Void = {}) {
        Task {
            let name = await signals.first()
            self.name.withLock { $0 = name }
            stopped()
        }
    }

    /// The signal's name; nil while none came.
    var signal: String? { name.withLock { $0 } }
}
