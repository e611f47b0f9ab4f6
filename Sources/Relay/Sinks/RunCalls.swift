import Curl
import Events
import IntegratorIO

/// The API calls of one integrator.io account: they slow down together, and share one credential.
actor RunCalls {
    typealias Trouble = FlowRunPlan.Trouble

    private var settings: IntegratorSettings
    private let calls: HTTPSink
    /// Reads the credential anew.
    private let readAuth: @Sendable () throws(SecretError) -> ReadyAuth?

    init(
        settings: IntegratorSettings, calls: HTTPSink,
        readAuth: @escaping @Sendable () throws(SecretError) -> ReadyAuth?
    ) {
        self.settings = settings
        self.calls = calls
        self.readAuth = readAuth
    }

    /// The flow, with what is found out about its sources and connections. A token that may read the flow only will do.
    ///
    /// - Parameter exports: sources that are to run; empty means all.
    func flow(_ id: String, exports: [String] = []) async -> Result<IntegratorFlow, Trouble> {
        await call { client async throws(IntegratorFailure) in
            var flow = try await client.flow(id)
            do throws(IntegratorFailure) {
                flow.findings = try await FlowActivation(client, of: flow, exports: exports).findings
            } catch {
                guard error.kind != .credential, error.kind != .rateLimited else { throw error }
            }
            return flow
        }
    }

    /// What stands in the way of a listener.
    ///
    /// - Parameter known: flows that it was found behind before.
    func listener(
        _ stated: ListenerActivation.Stated, known: [String]
    ) async -> Result<ListenerActivation, Trouble> {
        await call { client async throws(IntegratorFailure) in
            try await ListenerActivation(client, stated, known: known)
        }
    }

    /// Names of offline connections of a flow's sources and first step.
    func offlineConnections(_ id: String, exports: [String]) async -> Result<[String], Trouble> {
        switch await flow(id, exports: exports) {
        case .failure(let trouble): .failure(trouble)
        case .success(let flow):
            .success(
                flow.findings.compactMap { finding in
                    if case .offline(let name) = finding.problem { "'\(name)'" } else { nil }
                })
        }
    }

    func latestJobs(_ flow: String) async -> Result<[IntegratorJob], Trouble> {
        await call { client async throws(IntegratorFailure) in try await client.latestJobs(flow: flow) }
    }

    func run(_ flow: String, _ body: RunBody) async -> Result<[String], Trouble> {
        await call { client async throws(IntegratorFailure) in try await client.run(flow: flow, body) }
    }

    func jobs(_ flow: String, since: Int64) async -> Result<[IntegratorJob], Trouble> {
        await call { client async throws(IntegratorFailure) in try await client.jobs(flow: flow, since: since) }
    }

    func job(_ id: String) async -> Result<IntegratorJob, Trouble> {
        await call { client async throws(IntegratorFailure) in try await client.job(id) }
    }

    private func call<Content: Sendable>(
        _ body: @Sendable (IntegratorClient) async throws(IntegratorFailure) -> Content
    ) async -> Result<Content, Trouble> {
        let now = calls.environment.clock.uptime
        let wait = calls.budgets.map { $0.pause(now: now) }.max() ?? 0
        guard wait == 0 else {
            // Not slept off here: a plan may want to decide anew after it.
            return .failure(Trouble(kind: .rateLimited, reason: "integrator.io asked to slow down", retryAfter: wait))
        }
        let credential = settings.credential
        do {
            return .success(try await once(body))
        } catch where error.kind == .credential && renewCredential(refused: credential) {
            do {
                return .success(try await once(body))
            } catch {
                return .failure(trouble(error))
            }
        } catch {
            return .failure(trouble(error))
        }
    }

    private func once<Content: Sendable>(
        _ body: @Sendable (IntegratorClient) async throws(IntegratorFailure) -> Content
    ) async throws(IntegratorFailure) -> Content {
        for budget in calls.budgets { await budget.pass(calls.environment.clock) }
        return try await body(IntegratorClient(settings: settings, http: calls.environment.http))
    }

    /// - Parameter refused: what the call carried; calls beside it may have been here already.
    /// - Returns: whether the credential is another one than that.
    private func renewCredential(refused: Secret?) -> Bool {
        guard settings.credential == refused else { return true }
        guard let fresh = try? readAuth(), fresh.value != settings.credential else { return false }
        settings.credential = fresh.value
        settings.credentialHeader = fresh.name
        return true
    }

    private func trouble(_ failure: IntegratorFailure) -> Trouble {
        let environment = calls.environment
        let asked = RetryAfter.parse(failure.retryAfter, now: environment.clock.wall())?.milliseconds
        if failure.kind == .rateLimited {
            let pause = asked ?? HTTPSink.slowDown.milliseconds
            for budget in calls.budgets { budget.slowDown(for: pause, now: environment.clock.uptime) }
        }
        let advice =
            failure.kind == .credential
            ? " (is the token right, not purged, and of the region of \(settings.baseURL)?)" : ""
        return Trouble(kind: failure.kind, reason: failure.description + advice, retryAfter: asked)
    }
}
