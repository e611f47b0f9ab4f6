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
    /// Of integrator.io destinations with listeners that can be checked.
    package var watch: ListenerWatch?
    /// Attempts beside each other.
    package var concurrency: Concurrency
    /// The same of one target, such as a flow; nil if only all together are bounded.
    package var targetConcurrency: Int?
    /// What it may send: its own, and that of its account.
    package var budgets: [RequestBudget]
    /// An attempt that takes longer hangs.
    package var lease: Duration
}

extension DispatchDestination {
    package init(_ ready: ReadyDestination) {
        self.init(
            name: ready.name, sink: ready.sink, concurrency: ready.concurrency, targetConcurrency: ready.targetConcurrency,
            collector: ready.runner, budgets: ready.budgets, lease: ready.lease)
    }
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
    /// Requests per second to one integrator.io account, unless a rule file says more: its 300 are shared with others.
    package static let integratorRate = 50.0
    /// What an attempt may take beyond the deadlines of its calls, before it counts as hanging.
    static let leaseSlack: Duration = .seconds(15)

    private let environment: SinkEnvironment
    private let journal: any RunJournal
    private let outcomes: any DeliveryOutcomes
    private let contracts: (any FlowContracts)?
    private let renderer: (any DeliveryRenderer)?
    private let orgs: SalesforceOrgs?
    private let hurry: @Sendable (String) async -> Void
    private let accounts = AccountBudgets()

    /// - Parameters:
    ///   - contracts: nil sends to FlowMate without looking at what flows take.
    ///   - renderer: builds requests anew that do not fit their flow, once rules were mended; nil leaves them as they are.
    ///   - orgs: nil writes to no org.
    ///   - hurry: lets what waits for a destination go on.
    package init(
        environment: SinkEnvironment, journal: any RunJournal, outcomes: any DeliveryOutcomes,
        contracts: (any FlowContracts)? = nil, renderer: (any DeliveryRenderer)? = nil, orgs: SalesforceOrgs? = nil,
        hurry: @escaping @Sendable (String) async -> Void = { _ in }
    ) {
        self.hurry = hurry
        self.orgs = orgs
        self.contracts = contracts
        self.renderer = renderer
        self.environment = environment
        self.journal = journal
        self.outcomes = outcomes
    }

    /// - Returns: all findings at once; the destination is nil if there is any.
    package func make(_ destination: Destination) -> (ready: ReadyDestination?, findings: [SinkFinding]) {
        let parts = DestinationParts(destination, secrets: environment.secrets)
        guard parts.findings.isEmpty else { return (nil, parts.findings) }
        if destination.kind == .salesforce,
            let problem = orgs?.problem(org: destination.org, client: destination.client)
        {
            return (
                nil,
                [
                    SinkFinding(
                        destination: destination.name, key: problem.key, message: problem.message, hint: problem.hint)
                ]
            )
        }
        let calls = HTTPSink(environment: environment, budgets: budgets(destination, parts))
        return (ready(destination, parts, calls), [])
    }

    private func budgets(_ destination: Destination, _ parts: DestinationParts) -> [RequestBudget] {
        let now = environment.clock.uptime
        var budgets: [RequestBudget] = []
        if let rate = destination.rate { budgets.append(RequestBudget(rate: rate, now: now)) }
        guard destination.kind == .integrator else { return budgets }
        // A token belongs to one account. Without a token there are only listeners, which tell nothing of theirs.
        let account = AccountBudgets.Account(
            root: IntegratorSettings(baseURL: destination.url).root,
            credential: parts.auth?.value ?? Secret(destination.name))
        let rate = max(Self.integratorRate, destination.rate ?? 0)
        return budgets + [accounts.budget(of: account, rate: rate, now: now)]
    }

    private func ready(_ destination: Destination, _ parts: DestinationParts, _ calls: HTTPSink) -> ReadyDestination {
        switch destination.kind {
        case .webhook:
            let sink = WebhookSink(
                destination: destination, auth: parts.auth, tokens: tokens(destination, parts, calls),
                signer: parts.signer, connection: parts.connection, calls: calls)
            // With tokens: one, the call, another one, and the call again.
            return ready(destination, sink, calls, concurrency: 8, callsPerAttempt: destination.usesTokens ? 4 : 1)
        case .flowmate:
            let sink = FlowMateSink(
                name: destination.name, settings: parts.flowMate(destination, environment),
                secrets: parts.secrets, signer: parts.signer, calls: calls, contracts: contracts,
                renderer: renderer, readAuth: readAuth(destination))
            // What the flow takes, twice the webhook, and the state of its flow.
            var ready = ready(destination, sink, calls, concurrency: 8, callsPerAttempt: contracts == nil ? 3 : 5)
            ready.targetConcurrency = destination.flowConcurrency
            return ready
        case .integrator: return integrator(destination, parts, calls)
        case .salesforce:
            let sink = SalesforceSink(
                org: destination.org, orgs: orgs ?? SalesforceOrgs(clients: [:]), time: environment.clock)
            // So many may wait for one call; the REST client tries again by itself, with waits of its own.
            return ready(
                destination, sink, calls, concurrency: SalesforceSink.maximumBatch, callsPerAttempt: 20)
        }
    }

    private func integrator(
        _ destination: Destination, _ parts: DestinationParts, _ calls: HTTPSink
    ) -> ReadyDestination {
        let runCalls = RunCalls(
            settings: parts.integrator(destination, environment), calls: calls, readAuth: readAuth(destination))
        let checked = destination.auth == nil ? [:] : destination.listeners.compactMapValues(\.stated)
        let watch =
            checked.isEmpty
            ? nil
            : ListenerWatch(
                name: destination.name, listeners: checked, calls: runCalls, environment: environment, opened: hurry)
        let sink = ListenerSink(
            listeners: parts.listeners, timeout: destination.timeout, connection: parts.connection, calls: calls,
            watch: watch)
        let runner = FlowRunner(
            name: destination.name, calls: runCalls, journal: journal, outcomes: outcomes, environment: environment,
            recordErrors: destination.recordErrors.flatMap(RecordErrorPolicy.init) ?? .keep)
        // One per listener, since integrator.io itself promises no order.
        let concurrency = max(destination.listeners.count, 1)
        let splits = destination.listeners.values.contains { $0.records != nil }
        // A check is an export, the list of flows, one of them, its first step and its connection.
        let callsPerAttempt = (splits ? ListenerSink.maximumPosts : 1) + (watch == nil ? 0 : 5)
        var ready = ready(destination, sink, calls, concurrency: concurrency, callsPerAttempt: callsPerAttempt)
        ready.runner = runner
        ready.watch = watch
        return ready
    }

    private func ready(
        _ destination: Destination, _ sink: any Sink, _ calls: HTTPSink, concurrency: Int, callsPerAttempt: Int
    ) -> ReadyDestination {
        ReadyDestination(
            name: destination.name, sink: sink,
            concurrency: destination.adaptsConcurrency ? .adaptive : .fixed(destination.concurrency ?? concurrency),
            budgets: calls.budgets, lease: destination.timeout * callsPerAttempt + Self.leaseSlack)
    }

    private func tokens(
        _ destination: Destination, _ parts: DestinationParts, _ calls: HTTPSink
    ) -> OAuthTokens? {
        guard case .oauth2(let oauth2)? = destination.auth else { return nil }
        let secrets = environment.secrets
        return OAuthTokens(oauth2, environment: environment, connection: parts.connection, timeout: destination.timeout) {
            () throws(SecretError) in try secrets.resolve(oauth2.clientSecret)
        }
    }

    private func readAuth(_ destination: Destination) -> @Sendable () throws(SecretError) -> ReadyAuth? {
        let secrets = environment.secrets
        return { () throws(SecretError) in
            guard let auth = destination.auth else { return nil }
            return try ReadyAuth(auth, secrets: secrets)
        }
    }
}

extension Destination {
    fileprivate var usesTokens: Bool {
        if case .oauth2? = auth { true } else { false }
    }
}
