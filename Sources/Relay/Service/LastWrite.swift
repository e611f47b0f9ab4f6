import Events
import Logging
import Store

/// The end of something that ran by itself, which nobody writes again: tried until the store takes it.
struct LastWrite {
    /// Between tries.
    static let retry: Duration = .seconds(5)

    let time: TimeSource
    let log: Logger

    /// Gives up where waiting does not help, and when the task is cancelled: the next start then finds it nearly at its end.
    ///
    /// - Parameter name: of what counts as running until then.
    func callAsFunction(_ name: String, _ write: @Sendable () async throws(StoreError) -> Void) async {
        var isSaid = false
        while true {
            do throws(StoreError) {
                return try await write()
            } catch {
                if !isSaid { log.warning("\(error) Until then the \(name) counts as running.") }
                isSaid = true
                guard error.isRetryable else { return }
            }
            guard (try? await time.sleep(Self.retry)) != nil else { return }
        }
    }
}
