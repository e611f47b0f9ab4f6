internal import Curl

/// One RPC on its connection, and who waits for it.
@IOThread
final class Call {
    /// `send` waits while more than this is unsent; `post` does not allow it.
    static let maximumUnsentBytes = 1 << 20

    let streamID: Int32
    let method: String
    private let endpoint: String
    /// Nil once the RPC has ended.
    private var link: Link?
    nonisolated private let inbox = Inbox()
    private var result: Result<GRPCMetadata, GRPCError>?
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

    /// Of messages: what is not with the system yet.
    var unsentBytes: Int { link?.unsentBytes(on: streamID) ?? 0 }

    func send(_ message: [UInt8]) async throws(GRPCError) {
        guard let link else { throw endedError }
        reportTaken()
        link.send(message, on: streamID)
        guard unsentBytes > Self.maximumUnsentBytes else { return }
        let promise = Promise<Void>()
        senders.append(promise)
        do throws(GRPCError) {
            try await promise.value()
        } catch {
            throw error.on(method, endpoint)
        }
    }

    /// Ends an RPC whose server has stopped reading, since nobody waits here.
    func post(_ message: [UInt8]) {
        guard let link else { return }
        guard unsentBytes <= Self.maximumUnsentBytes else {
            let reason = "the server takes no messages: more than \(Self.maximumUnsentBytes) B wait for it"
            return end(.failure(GRPCError(.resourceExhausted, reason, origin: .peer)))
        }
        reportTaken()
        link.sendNow(message, on: streamID)
    }

    private var endedError: GRPCError {
        if case .failure(let error) = result { return error }
        return GRPCError(.failedPrecondition, "the server has ended the RPC", origin: .us).on(method, endpoint)
    }

    /// Runs on the caller's thread.
    nonisolated(nonsending) func next(atMost limit: Int) async throws(GRPCError) -> [[UInt8]]? {
        while true {
            switch inbox.take(atMost: limit) {
            case .messages(let messages): return messages
            case .end(nil): return nil
            case .end(let error?): throw error
            case .nothing: try await waitForMessage()
            }
        }
    }

    nonisolated(nonsending) private func waitForMessage() async throws(GRPCError) {
        // Usually `post` or `send` has done it: then waiting wakes nobody.
        if inbox.hasReport { IOThread.post { self.reportTaken() } }
        do throws(GRPCError) {
            try await inbox.wait()
        } catch {
            throw error.on(method, endpoint)
        }
    }

    /// The stream's window opens by what the reader has taken. That need not be reported at once, but before the reader
    /// waits for more.
    private func reportTaken() {
        let count = inbox.takeReport()
        if count > 0 { link?.taken(count, from: streamID) }
    }

    func finishSending() {
        link?.finishSending(streamID)
    }

    func cancel() {
        end(.failure(.cancelled))
    }

    func abandon() {
        link?.drain()
        cancel()
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
        reportTaken()
        inbox.put(messages)
    }

    func finished(_ result: Result<GRPCMetadata, GRPCError>) {
        guard self.result == nil else { return }
        let result = result.mapError { $0.on(method, endpoint) }
        self.result = result
        link = nil
        if let deadline { IOThread.cancel(deadline) }
        if case .failure(let error) = result { inbox.end(error) } else { inbox.end(nil) }
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
