internal import Curl

/// A value that one task waits for and somebody else on the I/O thread gives. The first result counts.
@IOThread
final class Promise<Value: Sendable> {
    typealias Outcome = Result<Value, GRPCError>

    private var outcome: Outcome?
    private var continuation: CheckedContinuation<Outcome, Never>?

    func fulfil(_ result: Outcome) {
        guard outcome == nil else { return }
        outcome = result
        continuation?.resume(returning: result)
        continuation = nil
    }

    /// For one caller. A cancelled task gets CANCELLED at once.
    func value() async throws(GRPCError) -> Value {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let outcome { return continuation.resume(returning: outcome) }
                precondition(self.continuation == nil, "two tasks wait for one promise")
                self.continuation = continuation
            }
        } onCancel: {
            IOThread.post { self.fulfil(.failure(.cancelled)) }
        }
        return try result.get()
    }
}
