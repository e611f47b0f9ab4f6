import Synchronization

/// What has arrived for one RPC and is not taken yet.
///
/// The I/O thread puts in, one task takes out on whatever thread it runs: what is there already costs no change of
/// threads. How much arrives unread is bounded by flow control, which `takeReport` is for.
final class Inbox: Sendable {
    enum Content {
        case messages([[UInt8]])
        /// Nil if the RPC ended OK.
        case end(GRPCError?)
        case nothing
    }

    private enum Wakening { case change, cancellation }

    private struct State {
        var messages: ArraySlice<[UInt8]> = []
        var end: Content?
        var reader: CheckedContinuation<Wakening, Never>?
        var unreported = 0
    }

    private let state = Mutex(State())

    // MARK: For the I/O thread

    func put(_ messages: [[UInt8]]) {
        let reader = state.withLock { state in
            state.messages.append(contentsOf: messages)
            return state.reader.take()
        }
        reader?.resume(returning: .change)
    }

    /// - Parameter error: nil if the RPC ended OK.
    func end(_ error: GRPCError?) {
        let reader = state.withLock { state in
            state.end = .end(error)
            return state.reader.take()
        }
        reader?.resume(returning: .change)
    }

    /// How many messages were taken since the last report.
    func takeReport() -> Int {
        state.withLock { state in
            defer { state.unreported = 0 }
            return state.unreported
        }
    }

    // MARK: For the reader

    var hasReport: Bool { state.withLock { $0.unreported > 0 } }

    func take(atMost limit: Int) -> Content {
        state.withLock { state in
            guard !state.messages.isEmpty else { return state.end ?? .nothing }
            let taken = Array(state.messages.prefix(limit))
            state.messages.removeFirst(taken.count)
            if state.messages.isEmpty { state.messages = [] }
            state.unreported += taken.count
            return .messages(taken)
        }
    }

    /// Returns when there may be something to take.
    ///
    /// - Throws: CANCELLED, if the task is.
    nonisolated(nonsending) func wait() async throws(GRPCError) {
        let wakening = await withTaskCancellationHandler {
            await withCheckedContinuation { reader in
                let early = state.withLock { state -> Wakening? in
                    precondition(state.reader == nil, "two tasks read one stream")
                    if !state.messages.isEmpty || state.end != nil { return .change }
                    // Checked under the lock: a cancellation from now on finds the reader.
                    if Task.isCancelled { return .cancellation }
                    state.reader = reader
                    return nil
                }
                if let early { reader.resume(returning: early) }
            }
        } onCancel: {
            let reader = state.withLock { $0.reader.take() }
            reader?.resume(returning: .cancellation)
        }
        if wakening == .cancellation { throw .cancelled }
    }
}
