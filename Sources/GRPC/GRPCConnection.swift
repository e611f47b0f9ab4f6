internal import Curl

/// A gRPC service: connects when it is first needed, shares one HTTP/2 connection among all RPCs, and opens a new one
/// for new RPCs when the server says GOAWAY or the connection breaks. RPCs that the server still accepts finish on the
/// old one.
///
/// Dropping it lets open RPCs finish; `close()` ends them.
package final class GRPCConnection: Sendable {
    private let core: ConnectionCore

    package init(endpoint: GRPCEndpoint, configuration: GRPCConfiguration = GRPCConfiguration()) {
        core = ConnectionCore(endpoint: endpoint, configuration: configuration)
    }

    deinit {
        let core = core
        IOThread.post { core.retire() }
    }

    /// One message each way.
    ///
    /// - Parameter path: `/eventbus.v1.PubSub/GetTopic`
    /// - Parameter deadline: for connecting as well; the server is told.
    package func unary(
        path: String, message: [UInt8], metadata: GRPCMetadata = [:], deadline: Duration
    ) async throws(GRPCError) -> GRPCReply {
        let until = IOThread.nanoseconds &+ deadline.nanoseconds
        do throws(GRPCError) {
            return try await core.unary(path, message, metadata, until: until)
        } catch {
            // The server has not looked at it: the connection was on its way out. Once, on a new one.
            guard error.wasRefused, error.origin == .peer else { throw error }
            return try await core.unary(path, message, metadata, until: until)
        }
    }

    /// Opens a stream in both directions. Returns once the request is on its way, which the server need not answer.
    package func open(path: String, metadata: GRPCMetadata = [:]) async throws(GRPCError) -> GRPCStream {
        GRPCStream(call: try await core.open(path, metadata))
    }

    /// RPCs that are open end with CANCELLED, as do later ones.
    package func close() async {
        await core.close()
    }
}

/// An RPC with any number of messages each way. Dropping it cancels the RPC.
package final class GRPCStream: Sendable {
    let call: Call

    init(call: Call) {
        self.call = call
    }

    deinit {
        let call = call
        IOThread.post { call.cancel() }
    }

    /// Returns when the message is buffered, or, with more than 1 MiB unsent, when there is room again.
    package func send(_ message: [UInt8]) async throws(GRPCError) {
        try await call.send(message)
    }

    /// Sends without waiting, and from the I/O thread at once, for small messages that answer what was received. If the
    /// RPC has ended the message is dropped, and `next()` says why it has; with more than 1 MiB unsent the RPC ends with
    /// RESOURCE_EXHAUSTED.
    package func post(_ message: [UInt8]) {
        let call = call
        IOThread.run { call.post(message) }
    }

    /// The next message; nil once the server has ended the RPC with OK. For one task at a time.
    ///
    /// - Throws: the RPC's error, after all messages that came before it. A cancelled task gets CANCELLED, and the
    ///   stream stays open.
    package nonisolated(nonsending) func next() async throws(GRPCError) -> [UInt8]? {
        try await call.next(atMost: 1)?.first
    }

    /// Says that no message will follow. A subscription that does so ends.
    package func finishSending() async {
        await call.finishSending()
    }

    package func cancel() async {
        await call.cancel()
    }

    /// As `cancel`; later RPCs go over another connection, and those under way on this one stay.
    package func abandon() async {
        await call.abandon()
    }

    package var initialMetadata: GRPCMetadata? {
        get async { await call.initialMetadata }
    }

    /// Once the RPC has ended OK; those of an error are in the error.
    package var trailers: GRPCMetadata? {
        get async { await call.trailers }
    }
}
