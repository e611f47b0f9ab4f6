import Curl
import Synchronization

/// An HTTP client whose answers to some requests wait until they are let go. Like a real one, it breaks off the request
/// of a task that is cancelled.
package final class HeldHTTP: HTTPClient {
    private struct Held {
        var isOpen = false
        var number = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let inner: any HTTPClient
    private let holds: @Sendable (_ url: String) -> Bool
    private let held = Mutex(Held())

    package init(_ inner: any HTTPClient, holds: @escaping @Sendable (_ url: String) -> Bool) {
        self.inner = inner
        self.holds = holds
    }

    package var isHolding: Bool { held.withLock { !$0.waiting.isEmpty } }

    package func letGo() {
        let waiting = held.withLock { held in
            held.isOpen = true
            defer { held.waiting = [:] }
            return held.waiting.values
        }
        for continuation in waiting { continuation.resume() }
    }

    package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        if holds(request.url) { await hold() }
        guard !Task.isCancelled else {
            throw TransportError(kind: .cancelled, target: request.url, reason: "cancelled", mayHaveBeenSent: true)
        }
        return try await inner.send(request)
    }

    private func hold() async {
        let number = held.withLock { held in
            held.number += 1
            return held.number
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = held.withLock { held in
                    guard !held.isOpen, !Task.isCancelled else { return false }
                    held.waiting[number] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            held.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
    }
}
