import Synchronization

/// Counts the calls of a script.
final class Counter: Sendable {
    private let value = Mutex(0)

    /// 0 for the first call.
    func next() -> Int {
        value.withLock { value in
            defer { value += 1 }
            return value
        }
    }
}
