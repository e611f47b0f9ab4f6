internal import Curl

/// One RPC on its connection: what has arrived and not been taken, and who waits.
@IOThread
final class Call {
    /// `send` waits while more than this is unsent.
    static let maximumUnsentBytes = 1 << 20

    let streamID: Int32
    let method: String
    private let endpoint: String
    /// Nil once the RPC has ended.
    private var link: Link?
    private var inbox: ArraySlice<[UInt8]> = []
    private var result: Result<GRPCMetadata, GRPCError>?
    private var receiver: Promise<Void>?
    private var senders: [Promise<Void>] = []
    private var deadline: IOThread.TimerID?
    private(set) var initialMetadata: GRPCMetadata?

    init(streamID: Int32, method: String, link: Link) {
        self.streamID = streamID
        self.method = method
        self.link = link
        endpoint = link.endpoint.name
    }

    var trailers: GRPCMetadata? { try? result?.get() }

    // MARK: For the caller

    func send(_ message: [UInt8]) async throws(GRPCError) {
        guard let link else { throw endedError }
        link.send(message, on: streamID)
        guard link.unsentBytes(on: streamID) > Self.maximumUnsentBytes else { return }
        let promise = Promise<Void>()
        senders.append(promise)
        do throws(GRPCError) {
            try await promise.value()
        } catch {
            throw error.on(method, endpoint)
        }
    }

    private var endedError: GRPCError {
        if case .failure(let error) = result { return error }
        return GRPCError(.failedPrecondition, "the server has ended the RPC", origin: .us).on(method, endpoint)
    }

    func next(atMost limit: Int) async throws(GRPCError) -> [[UInt8]]? {
        while true {
            if !inbox.isEmpty { return take(min(limit, inbox.count)) }
            switch result {
            case .success: return nil
            case .failure(let error): throw error
            case nil: try await waitForMessage()
            }
        }
    }

    private func take(_ count: Int) -> [[UInt8]] {
        let taken = Array(inbox.prefix(count))
        inbox.removeFirst(count)
        if inbox.isEmpty { inbox = [] }
        link?.taken(count, from: streamID)
        return taken
    }

    private func waitForMessage() async throws(GRPCError) {
        precondition(receiver == nil, "two tasks read one stream")
        let promise = Promise<Void>()
        receiver = promise
        defer { receiver = nil }
        do throws(GRPCError) {
            try await promise.value()
        } catch {
            throw error.on(method, endpoint)
        }
    }

    func finishSending() {
        link?.finishSending(streamID)
    }

    func cancel() {
        end(.failure(.cancelled))
    }

    func setDeadline(after time: Duration) {
        deadline = IOThread.schedule(after: time) {
            self.end(.failure(GRPCError(.deadlineExceeded, "no answer within \(time)", origin: .us)))
        }
    }

    /// An end of our own: the server is told.
    private func end(_ failure: Result<GRPCMetadata, GRPCError>) {
        guard let link else { return }
        link.cancel(streamID)
        finished(failure)
    }

    // MARK: For the connection

    func received(_ metadata: GRPCMetadata) {
        initialMetadata = metadata
    }

    func received(_ messages: [[UInt8]]) {
        inbox.append(contentsOf: messages)
        receiver?.fulfil(.success(()))
    }

    func finished(_ result: Result<GRPCMetadata, GRPCError>) {
        guard self.result == nil else { return }
        self.result = result.mapError { $0.on(method, endpoint) }
        link = nil
        if let deadline { IOThread.cancel(deadline) }
        receiver?.fulfil(.success(()))
        wakeSenders(.failure(endedError))
    }

    func checkSenders() {
        guard let link, !senders.isEmpty, link.unsentBytes(on: streamID) <= Self.maximumUnsentBytes else { return }
        wakeSenders(.success(()))
    }

    private func wakeSenders(_ outcome: Result<Void, GRPCError>) {
        for sender in senders { sender.fulfil(outcome) }
        senders = []
    }
}
