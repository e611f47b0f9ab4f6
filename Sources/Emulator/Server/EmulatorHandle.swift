/// A running emulator. Stop it; dropping the handle does not.
package final class EmulatorHandle: Sendable {
    private let http: HTTPListener
    /// Nil without Salesforce.
    private let grpc: PubSubListener?
    private let service: PubSubService
    private let targets: EmulatorTargets
    private let runner: ScriptRunner
    private let feed: Task<Void, Never>
    private let script: Task<Void, any Error>

    init(
        http: HTTPListener, grpc: PubSubListener?, service: PubSubService, targets: EmulatorTargets,
        runner: ScriptRunner, feed: Task<Void, Never>, script: Task<Void, any Error>
    ) {
        self.http = http
        self.grpc = grpc
        self.service = service
        self.targets = targets
        self.runner = runner
        self.feed = feed
        self.script = script
    }

    package var httpPort: Int { http.port }
    /// 0 without Salesforce.
    package var grpcPort: Int { grpc?.port ?? 0 }

    /// `http://127.0.0.1:<port>`: login host, FlowMate, integrator.io (below `/v1`) and webhooks at once.
    package var url: String { "http://127.0.0.1:\(httpPort)" }

    /// Commits changes as one transaction.
    package func publish(_ changes: [EmulatedChange]) async throws(EmulatorError) {
        try await service.publish(changes)
    }

    /// Anything that a script can do.
    package func perform(_ step: ScriptStep) async throws { try await runner.perform(step) }

    /// What the targets got after a request's number, oldest first; at most the last 20,000 requests.
    package func received(after number: Int = 0) async -> [ReceivedRequest] { await targets.received(after: number) }

    package func clearReceived() async { await targets.clearReceived() }

    /// Returns when the script has ended; at once if there is none.
    ///
    /// - Throws: `EmulatorError` naming the line that could not be run, or `CancellationError` after `stop`.
    package func scriptEnd() async throws { try await script.value }

    /// Ends connections and servers; returns when both ports are closed.
    package func stop() async {
        script.cancel()
        feed.cancel()
        await grpc?.stop()
        await service.stop()
        await http.stop()
        await feed.value
        _ = await script.result
    }
}
