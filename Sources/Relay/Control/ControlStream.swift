/// A question whose answer goes on: JSON lines until either side has had enough. Needs a daemon.
package struct ControlStream: Sendable {
    package let name: String
    /// JSON in; JSON lines out, without line feeds. The reader's pace is its own: what it does not take in time is
    /// dropped and counted, never kept without bound.
    package let open: @Sendable (_ request: [UInt8]) async throws(ControlError) -> AsyncStream<[UInt8]>

    package init(
        _ name: String, open: @escaping @Sendable ([UInt8]) async throws(ControlError) -> AsyncStream<[UInt8]>
    ) {
        self.name = name
        self.open = open
    }
}
