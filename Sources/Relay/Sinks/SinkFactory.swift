import Curl
import Events
import FlowMate
import IntegratorIO
import Rules

/// A destination that can be called.
package struct ReadyDestination: Sendable {
    package var name: String
    package var sink: any Sink
    /// Of integrator.io destinations: where claims on runs go.
    package var runner: FlowRunner?
    /// Attempts beside each other.
    package var concurrency: Int
}

/// Why a destination cannot be called as it is configured. Never holds a secret.
package struct SinkFinding: Error, Sendable, Equatable, CustomStringConvertible {
    package var destination: String
    /// Where in the destination: `auth`, `listeners.orders.url`.
    package var key: String
    package var message: String
    package var hint: String

    package var description: String { "destination \(destination), \(key): \(message). \(hint)" }
}

/// Makes sinks of destinations: resolves their secrets, once, at load.
package struct SinkFactory: Sendable {
    /// Requests per second where the rule file says nothing: integrator.io's 300 are for the whole account.
    static let integratorRate = 50.0

    private let environment: SinkEnvironment
    private let journal: any RunJournal
    private let outcomes: any DeliveryOutcomes

    package init(environment: SinkEnvironment, journal: any RunJournal, outcomes: any DeliveryOutcomes) {
        self.environment = environment
        self.journal = journal
        self.outcomes = outcomes
    }

    /// - Returns: all findings at once; the destination is nil if there is any.
    package func make(_ destination: Destination) -> (ready: ReadyDestination?, findings: [SinkFinding]) {
        let parts = DestinationParts(destination, secrets: environment.secrets)
        guard parts.findings.isEmpty else { return (nil, parts.findings) }
        let rate = destination.rate ?? (destination.kind == .integrator ? Self.integratorRate : nil)
        let limiter = RateLimiter(rate: rate, environment: environment)
        let calls = HTTPSink(environment: environment, limiter: limiter)
        return (ready(destination, parts, calls), [])
    }

    private func ready(_ destination: Destination, _ parts: DestinationParts, _ calls: HTTPSink) -> ReadyDestination {
        switch destination.kind {
        case .webhook:
            let sink = WebhookSink(
                destination: destination, auth: parts.auth, signer: parts.signer, connection: parts.connection,
                calls: calls)
            return ReadyDestination(name: destination.name, sink: sink, concurrency: destination.concurrency ?? 8)
        case .flowmate:
            let sink = FlowMateSink(
                name: destination.name, settings: parts.flowMate(destination, environment),
                secrets: parts.secrets, signer: parts.signer, calls: calls, readAuth: readAuth(destination))
            return ReadyDestination(name: destination.name, sink: sink, concurrency: destination.concurrency ?? 8)
        case .integrator: return integrator(destination, parts, calls)
        }
    }

    private func integrator(
        _ destination: Destination, _ parts: DestinationParts, _ calls: HTTPSink
    ) -> ReadyDestination {
        let sink = ListenerSink(
            listeners: parts.listeners, timeout: destination.timeout, connection: parts.connection, calls: calls)
        let runCalls = RunCalls(
            settings: parts.integrator(destination, environment), calls: calls, readAuth: readAuth(destination))
        let runner = FlowRunner(
            name: destination.name, calls: runCalls, journal: journal, outcomes: outcomes, environment: environment)
        // One per listener, since integrator.io itself promises no order.
        let concurrency = destination.concurrency ?? max(destination.listeners.count, 1)
        return ReadyDestination(name: destination.name, sink: sink, runner: runner, concurrency: concurrency)
    }

    private func readAuth(_ destination: Destination) -> @Sendable () throws(SecretError) -> ReadyAuth? {
        let secrets = environment.secrets
        return { () throws(SecretError) in
            guard let auth = destination.auth else { return nil }
            return try ReadyAuth(auth, secrets: secrets)
        }
    }
}
